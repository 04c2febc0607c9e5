"""Tables of keys: dataclasses whose fields were made by `sim.config.key`, read strictly and written as TOML.

A field's type hint and metadata decide what it takes: int, float, bool, str, a tuple of one of these, or
float | None (None: left out of the file). An int is taken for a float, a bool is never an int, and no
number may be NaN or infinite. Leaves out dates and nested tables, which no key needs.
"""

from __future__ import annotations

import functools
import json
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, fields
from typing import Any, NamedTuple, TypeVar

from experiments.errors import UserError, suggestion

T = TypeVar("T")
NAMES = {int: "an integer", float: "a number", bool: "true or false", str: "a string"}
PLURALS = {int: "integers", float: "numbers", bool: "booleans", str: "strings"}


class Row(NamedTuple):
    """One line of the key reference."""

    key: str
    default: str
    unit: str
    range: str
    doc: str


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """Resolved type of each field."""
    return typing.get_type_hints(cls)


def read(cls: type[T], table: Any, where: str, known: Iterable[str]) -> T:
    """An instance of `cls` from a TOML table; `known` are all dotted keys, for suggestions."""
    if not isinstance(table, Mapping):
        raise UserError(f"{where} = {literal(table)}: must be a table of keys, [{where}]")
    by_name = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    kinds, values = hints(cls), {}  # type: ignore[arg-type]
    for name, value in table.items():
        if name not in by_name:
            raise unknown(f"{where}.{name}", known)
        values[name] = convert(f"{where}.{name}", value, kinds[name], by_name[name].metadata)
    return cls(**values)


def unknown(dotted: str, known: Iterable[str]) -> UserError:
    """The error for a key that does not exist, with the nearest one that does."""
    known = list(known)
    tail = dotted.rpartition(".")[2]
    elsewhere = [k for k in known if k.rpartition(".")[2] == tail]
    if elsewhere:
        hint = f"; did you mean {elsewhere[0]}?"
    else:
        hint = suggestion(dotted, known) or "; `firstword configs --keys` lists all keys"
    return UserError(f"unknown key {dotted if dotted.isprintable() else repr(dotted)}{hint}")


def convert(dotted: str, value: Any, hint: Any, meta: Mapping[str, Any]) -> Any:
    """The value as the field's type, or a `UserError` that says what would be right."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise _wrong(dotted, value, hint, meta)
        return tuple(_scalar(dotted, item, typing.get_args(hint)[0], meta, value, hint) for item in value)
    return _scalar(dotted, value, hint, meta, value, hint)


def _scalar(dotted: str, item: Any, kind: type, meta: Mapping[str, Any], value: Any, hint: Any) -> Any:
    """One number, string or boolean checked; errors show the whole `value`, of which it may be one item."""
    fits = isinstance(item, kind) or (kind is float and isinstance(item, int))
    if not fits or (isinstance(item, bool) and kind is not bool):
        raise _wrong(dotted, value, hint, meta)
    if kind is str:
        if any(0xD800 <= ord(c) <= 0xDFFF for c in item):
            raise UserError(f"{dotted} = {item!a}: must be valid Unicode text")
        if meta.get("choices") and item not in meta["choices"]:
            near = suggestion(item, meta["choices"])
            raise _wrong(dotted, value, hint, meta, near)
    elif kind is not bool:
        low, high = meta.get("low"), meta.get("high")
        inside = (low is None or item >= low) and (high is None or item <= high)
        if not inside or (isinstance(item, float) and not math.isfinite(item)):
            raise _wrong(dotted, value, hint, meta)
        try:
            item = kind(item)
        except OverflowError:
            raise _wrong(dotted, value, hint, meta) from None
    return item


def _wrong(dotted: str, value: Any, hint: Any, meta: Mapping[str, Any], near: str = "") -> UserError:
    return UserError(f"{dotted} = {literal(value, 80)}: must be {wanted(hint, meta)}{near}")


def wanted(hint: Any, meta: Mapping[str, Any]) -> str:
    """What a key takes, in words."""
    many = typing.get_origin(hint) is tuple
    kind = typing.get_args(hint)[0] if many else hint
    span = limits(meta)
    if meta.get("choices"):
        return f"a list of any of {span}" if many else f"one of {span}"
    unit = f" ({meta['unit']})" if meta.get("unit") else ""
    finite = "finite " if kind is float and not span else ""
    text = f"a list of {finite}{PLURALS[kind]}" if many else NAMES[kind].replace("a number", f"a {finite}number")
    return f"{text}{' ' + span if span else ''}{unit}"


def limits(meta: Mapping[str, Any]) -> str:
    """Range or choices of a key."""
    if meta.get("choices"):
        return ", ".join(meta["choices"])
    low, high = meta.get("low"), meta.get("high")
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"{_short(low)} or more" if low is not None else f"up to {_short(high or 0)}"
    return f"from {_short(low)} to {_short(high)}"


def _short(number: float) -> str:
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e16 else repr(number)


def rows(cls: type, where: str) -> Iterator[Row]:
    """The key reference of one table."""
    for f in fields(cls):
        if not f.metadata:
            continue
        default = "" if f.default is None else literal(f.default)
        yield Row(f"{where}.{f.name}", default, f.metadata["unit"], _limits_of(cls, f), f.metadata["doc"])


def _limits_of(cls: type, f: Field) -> str:
    return "true, false" if hints(cls)[f.name] is bool else limits(f.metadata)


def literal(value: Any, room: int = 0) -> str:
    """A value as TOML writes it, on one line; shortened to `room` characters if given."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(literal(item) for item in value) + "]"
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{k} = {literal(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, int) and abs(value) >= 10**30:
        text = f"an integer of {value.bit_length()} bits"  # Python refuses to print the largest
    else:
        text = repr(value) if isinstance(value, (int, float)) else str(value)
    if not text.isprintable() and room:
        text = ascii(text)[1:-1]
    return text if not room or len(text) <= room else text[: room - 1] + "…"


def lines(record: Any) -> Iterator[str]:
    """`key = value` lines of a record, without the keys that are None."""
    for f in fields(record):
        value = getattr(record, f.name)
        if value is not None:
            yield f"{f.name} = {literal(value)}"
