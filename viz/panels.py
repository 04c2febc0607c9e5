"""The look of all plots: palette, axes, and curves with bands.

Colours are from Okabe and Ito's palette, told apart with every common kind of colour vision, and mean the same in
every plot: what kills by biting and what is eaten by biting share one. Figures are built without pyplot, so
nothing is global. Leaves out what is plotted (`viz.plots`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from viz import series

INK, FAINT = "#22303c", "#8b98a5"
GREEN, BLUE, SKY, ORANGE, RED, PINK, YELLOW = (
    *("#009e73", "#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#cc79a7", "#f0e442"),
)
CAUSES = {"starved": BLUE, "bitten": RED, "poisoned": PINK, "aged": FAINT}
SOURCES = {"plant": GREEN, "meat": ORANGE, "prey": RED, "poison": PINK}
SPECIES = (
    *(BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW),
    *("#332288", "#999933", "#882255", "#44aa99", "#ddcc77"),
)
OTHER = "#d5dae0"
WIDTH = 10.0  # inches
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.titlepad": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "firstword",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


P = ParamSpec("P")
F = TypeVar("F", bound=Figure | None)


def styled(plot: Callable[P, F]) -> Callable[P, F]:
    """Runs a plot in the style of this module and puts the titles of each row at one height."""

    @wraps(plot)
    def inner(*args: P.args, **kwargs: P.kwargs) -> F:
        with rc_context(STYLE):
            figure = plot(*args, **kwargs)
            _align_titles(figure)
            return figure

    return inner


def _align_titles(figure: Figure | None) -> None:
    """Lifts the titles of a row in which some axes have a legend between title and curves."""
    panels = [(ax, ax.get_subplotspec()) for ax in (figure.axes if figure else [])]
    lifted = {spec.rowspan.start for ax, spec in panels if spec and ax.get_legend()}
    for ax, spec in panels:
        if spec and spec.rowspan.start in lifted:
            ax.set_title(ax.get_title(loc="left"), pad=24)


def sheet(rows: int, columns: int, height: float, **kwargs: Any) -> tuple[Figure, np.ndarray]:
    """A blank figure and its axes `[rows, columns]`."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08, wspace=0.03, hspace=0.04)
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def svg(figure: Figure) -> bytes:
    """The figure as SVG; the same figure gives the same bytes."""
    out = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG."""
    out = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


def name_axes(ax: Axes, title: str, y: str, x: str = "tick", floor: bool = True) -> None:
    """Title and labels; `floor` puts 0 at the foot."""
    ax.set_title(title)
    ax.set_ylabel(y)
    ax.set_xlabel(x)
    spec = ax.get_subplotspec()
    narrow = spec is not None and len(spec.colspan) * 3 <= spec.get_gridspec().ncols
    for axis, most in ((ax.yaxis, 6), (ax.xaxis, 3 if narrow else 5)):
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(number))
    if floor and ax.has_data() and ax.dataLim.y1 > 0:
        ax.set_ylim(bottom=0)


def number(value: float, _position: int | None = None) -> str:
    """12,000 and 0.05, without needless digits."""
    if value and abs(value) >= 1e7:
        return f"{value / 1e6:,g} M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def legend(ax: Axes, columns: int = 5) -> None:
    """Names of the curves in a row above the axes, under the title."""
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        look: Any = dict(loc="lower left", bbox_to_anchor=(-0.01, 0.985), ncols=columns, borderaxespad=0.2)
        ax.legend(handles, labels, handlelength=1.2, columnspacing=1.2, handletextpad=0.5, **look)


def curves(ax: Axes, frame: pd.DataFrame, named: Mapping[str, tuple[str, str]], each: bool = False) -> None:
    """State columns over time: `named` is column → (label, colour). `each` adds every single history, faintly."""
    named = {name: look for name, look in named.items() if name in frame and frame[name].notna().any()}
    if frame.empty or not named:
        return
    ticks, values = series.bands(frame, list(named))
    if each or series.num_histories(frame) == 1:
        _faint(ax, frame, named, len(ticks))
    _bands(ax, ticks, values, named)


def rate_curves(ax: Axes, frame: pd.DataFrame, named: Mapping[str, tuple[str, str]], per: str = "tick") -> None:
    """Counter columns as rates over time."""
    named = {name: look for name, look in named.items() if name in frame and frame[name].notna().any()}
    if frame.empty or not named or per not in frame:
        return
    ticks, values = series.rate_bands(frame, list(named), per, points=120)
    _bands(ax, ticks, values, named)


def _faint(ax: Axes, frame: pd.DataFrame, named: Mapping[str, tuple[str, str]], drawn: int) -> None:
    """The rows as logged, where the curve above them does not show them already."""
    time, keys = series.time_column(frame), series.identity(frame)
    groups = [rows for _, rows in frame.groupby(keys)] if keys else [frame]
    if len(groups) == 1 and frame[time].nunique() <= drawn:
        return
    for rows in groups[:50]:
        for name, (_, colour) in named.items():
            ax.plot(rows[time], rows[name], color=colour, alpha=0.25, linewidth=0.7)


def _bands(ax: Axes, ticks: np.ndarray, values: Mapping[str, np.ndarray], named: Mapping[str, tuple[str, str]]) -> None:
    marker = "o" if len(ticks) == 1 else None
    for name, (label, colour) in named.items():
        low, middle, high = values[name]
        ax.plot(ticks, middle, color=colour, label=label, marker=marker)
        if np.nanmax(high - low, initial=0.0) > 0:
            ax.fill_between(ticks, low, high, color=colour, alpha=0.18, linewidth=0)
    if len(ticks) > 1:
        ax.set_xlim(min(0.0, ticks[0]), ticks[-1])
