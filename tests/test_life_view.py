"""The viewer of automata: what is drawn against the cells under each pixel, and what keys and mouse do to them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import life_watch
from sim.life import elementary, formats, notation, objects, patterns, universe
from sim.life.grids import PLANE, Grid, torus
from sim.life.pattern import Pattern
from viz import life_census, life_colours, life_draw, life_edit, life_view
from viz.app import App, Key
from viz.camera import Camera
from viz.furniture import scene_size
from viz.life_app import LifeApp
from viz.life_draw import Field, cell_at
from viz.life_edit import Box
from viz.window import Window, unused

SIZE = (700, 300)
PART = scene_size(SIZE)
LIFE, _ = notation.parse("B3/S23")
BLINKER = np.array([[1, 1, 1]], np.uint8)


def at(row, column, cells, rule=LIFE, grid=PLANE):
    return universe.begin(Pattern(np.asarray(cells, np.uint8), column, row, placed=True), rule, grid)


def app_on(started, folder="."):
    return LifeApp(started, "test", life_watch.desk(Path(folder), unused), SIZE)


@pytest.fixture
def blinker(tmp_path):
    """A blinker whose middle is the cell (0, 0), and which fills little of the view."""
    app = app_on(at(0, -1, BLINKER), tmp_path)
    app.view.camera = Camera(0.5, -0.5, 10.0)
    return app


def press(app, *names):
    for name in names:
        *held, name = name.split("+") if len(name) > 1 else [name]
        asked = app.press(Key(name, name if len(name) == 1 else "", "shift" in held, "ctrl" in held))
        app.look()
    return asked


def type_in(app, text):
    for letter in text:
        app.press(Key("space" if letter == " " else letter, letter))


def middle(app, row, column):
    """The pixel in the middle of a cell."""
    left, top, right, bottom = life_draw.on_screen(app.view.camera, PART, Box(row, column, row + 1, column + 1))
    return (left + right) / 2, (top + bottom) / 2


def drag(app, *cells, name="left", shift=False, ctrl=False):
    app.down(*middle(app, *cells[0]), Key(name, "", shift, ctrl))
    for cell in cells[1:]:
        app.moved(*middle(app, *cell), True)
    app.up(*middle(app, *cells[-1]), name)


def living(started):
    """Places (row, column) of cells that are not dead."""
    return {(started.y + int(r), started.x + int(c)) for r, c in np.argwhere(started.cells)}


def drawn(field, camera, size=PART, palette=None, grid=PLANE):
    out = np.zeros((size[1], size[0], 3), np.uint8)
    palette = life_colours.of_rule(LIFE) if palette is None else palette
    life_draw.scene(out, field, grid, palette, camera, False)
    return out


@settings(max_examples=40)
@given(st.floats(1, 40), st.floats(-30, 30), st.floats(-30, 30), st.integers(0, 1), st.booleans())
def test_near_each_pixel_has_the_colour_of_the_cell_under_it(zoom, x, y, beyond, mixed):
    rng = np.random.default_rng(1)
    cells = rng.integers(0, 4 if mixed else 2, (23, 17), np.uint8)
    palette = rng.integers(0, 256, (256, 3)).astype(np.uint8)
    field, camera, size = Field(cells, -9, 4, beyond, mixed), Camera(x, y, zoom), (90, 70)
    out = drawn(field, camera, size, palette)
    column, row = (np.arange(90) + 0.5 - 45) / zoom + x, (np.arange(70) + 0.5 - 35) / zoom - y
    wide = np.pad(cells, 200, constant_values=beyond)
    expected = palette[wide[np.ix_(np.floor(row).astype(int) - 4 + 200, np.floor(column).astype(int) + 9 + 200)]]
    clear = [np.abs(v - np.rint(v)) * zoom > 0.01 for v in (row, column)]  # else the pixel may go to either cell
    assert (out == expected)[np.ix_(*clear)].all()
    i, j = 7, 60
    assert (
        not clear[0][j] or not clear[1][i] or cell_at(camera, size, i + 0.5, j + 0.5) == (row[j] // 1, column[i] // 1)
    )


@pytest.mark.parametrize("step", [2, 4, 8, 16, 64])
def test_afar_brightness_tells_how_many_live(step):
    rng = np.random.default_rng(2)
    cells = (rng.random((256, 384)) < np.linspace(0, 1, 384) ** 3).astype(np.uint8)
    size = (384 // step, 256 // step)
    out = drawn(Field(cells, -192, -128, 0, False), Camera(0, 0, 1 / step), size)
    share = cells.reshape(size[1], step, size[0], step).mean((1, 3))
    light = out.astype(float).sum(2)
    order = np.argsort(share.ravel())
    assert (np.diff(light.ravel()[order]) >= -9).all() and light.max() > 2 * light.min()
    np.testing.assert_array_equal(light == light.min(), share == share.min())
    assert (drawn(Field(np.ones((256, 256), np.uint8), -128, -128, 1, False), Camera(0, 0, 1 / step), size) ==
            life_colours.ALIVE).all()  # fmt: skip


@pytest.mark.parametrize("zoom", [0.9, 0.3, 0.11, 1 / 64])
def test_a_single_cell_is_seen_from_afar_wherever_it_lies(zoom):
    dead = drawn(Field(np.zeros((1000, 1000), np.uint8), -500, -500, 0, False), Camera(0, 0, zoom), (100, 80))
    for place in (499, 503, 510):
        cells = np.zeros((1000, 1000), np.uint8)
        cells[place, place + 3] = 1
        out = drawn(Field(cells, -500, -500, 0, False), Camera(0, 0, zoom), (100, 80))
        rows, columns = np.nonzero((out.astype(int) - dead).sum(2) > 25)
        assert len(rows) and np.ptp(rows) <= 1 and np.ptp(columns) <= 1
        row, column = cell_at(Camera(0, 0, zoom), (100, 80), columns.mean() + 0.5, rows.mean() + 0.5)
        assert abs(row + 500 - place) <= 2 / zoom and abs(column + 500 - place - 3) <= 2 / zoom


def test_afar_the_colours_of_many_states_are_mixed():
    rng = np.random.default_rng(3)
    cells, palette = rng.integers(0, 5, (64, 64), np.uint8), rng.integers(0, 256, (256, 3)).astype(np.uint8)
    out = drawn(Field(cells, -32, -32, 0, True), Camera(0, 0, 0.25), (16, 16), palette)
    mean = palette[cells].reshape(16, 4, 16, 4, 3).mean((1, 3))
    assert np.abs(out - mean).max() <= 1


@pytest.mark.parametrize("zoom", [1e-6, 1e-3, 0.4, 3.0, 100.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (300, 5)])
def test_any_zoom_and_field_gives_a_picture(zoom, shape):
    field = Field(np.ones(shape, np.uint8), 0, 0, 0, False)
    for x in (0.5, 1e9):
        out = drawn(field, Camera(x, -0.5, zoom))
        assert (out == life_colours.DEAD).all() == (x > 1)


def test_where_a_grid_ends_there_is_a_border_and_nothing_beyond():
    field = Field(np.zeros((10, 20), np.uint8), -10, -5, 0, False)
    out = drawn(field, Camera(0, 0, 4.0), (200, 100), grid=torus(20, 10))
    assert (out[30:70, 60:140] == life_colours.DEAD).all()
    assert (out[29, 60:140] != life_colours.DEAD).any(1).all() and (out[:28] == life_colours.VOID).all()
    endless = drawn(field, Camera(0, 0, 4.0), (200, 100), grid=Grid("torus", 0, 10))
    assert (endless[30:70] == life_colours.DEAD).all() and (endless[:28] == life_colours.VOID).all()


@given(st.tuples(*[st.integers(-40, 40)] * 4))
def test_a_stroke_is_a_line_without_gaps_and_leaves_the_old_universe(ends):
    started = at(0, -1, BLINKER)
    start, end = ends[:2], ends[2:]
    new = living(life_edit.stroke(started, start, end, 1)) - living(started)
    line = new | (living(started) & {start, end})
    assert {start, end} <= living(life_edit.stroke(started, start, end, 1))
    assert len(line) <= max(abs(a - b) for a, b in zip(start, end, strict=True)) + 1
    assert all(
        any(max(abs(r - a), abs(c - b)) == 1 for a, b in line | living(started)) for r, c in line if len(line) > 1
    )
    assert living(started) == {(0, -1), (0, 0), (0, 1)}


def test_beyond_the_edge_of_a_grid_nothing_is_drawn():
    started = at(0, 0, BLINKER, grid=torus(8, 8))
    assert life_edit.stroke(started, (0, 30), (5, 30), 1) is started
    new = life_edit.stroke(started, (2, -10), (2, 10), 1)
    assert new.cells.shape == (8, 8) and living(new) - living(started) == {(2, c) for c in range(-4, 4)}


def test_boxes_are_taken_pasted_and_filled_where_they_say():
    started = life_edit.pasted(at(0, -1, BLINKER), -3, 5, np.array([[0, 1], [1, 0]], np.uint8))
    assert living(started) == {(0, -1), (0, 0), (0, 1), (-3, 6), (-2, 5)}
    assert life_edit.busy(started) == Box(-3, -1, 1, 7)
    np.testing.assert_array_equal(life_edit.taken(started, Box(-3, 5, 1, 7)), [[0, 1], [1, 0], [0, 0], [0, 0]])
    assert living(life_edit.filled(started, Box(-1, -5, 5, 0), 0)) == {(0, 0), (0, 1), (-3, 6), (-2, 5)}
    soup = life_edit.soup(started, Box(100, 100, 200, 300), 0.3, 1)
    assert living(started) < living(soup) and abs(soup.population - 5 - 6000) < 6 * (20000 * 0.21) ** 0.5


def test_ages_count_generations_alive_and_dead():
    tones = np.zeros((1, 4), np.uint8)
    for alive in ([1, 1, 0, 0], [1, 0, 0, 1], [1, 0, 0, 1]):
        tones = life_colours.aged(tones, np.array([alive], bool), 1)
    np.testing.assert_array_equal(tones, [[128 + 2, 127 - 1, 0, 128 + 1]])
    np.testing.assert_array_equal(life_colours.aged(tones, tones > 127, 500), [[255, 1, 0, 255]])


def test_entropy_of_the_certain_and_of_the_random():
    rng = np.random.default_rng(4)
    assert life_view.entropy(np.zeros((64, 64), np.uint8)) == 0
    assert life_view.entropy(np.indices((64, 64)).sum(0).astype(np.uint8) % 2) == pytest.approx(0, abs=1e-9)
    assert life_view.entropy(rng.integers(0, 2, (256, 256), np.uint8)) == pytest.approx(1, abs=0.005)
    assert life_view.line_entropy(rng.integers(0, 2, (32, 512), np.uint8)) == pytest.approx(1, abs=0.01)


def test_a_step_is_one_generation_and_can_be_undone(blinker):
    app: App = blinker
    before = blinker.view.universe
    press(app, ".")
    assert living(blinker.view.universe) == {(-1, 0), (0, 0), (1, 0)} and blinker.view.universe.generation == 1
    press(app, ".", "right")
    assert blinker.view.universe.generation == 3
    press(app, "u", "u")
    assert blinker.view.universe.generation == 1
    press(app, "ctrl+y")
    assert blinker.view.universe.generation == 2
    press(app, "home")
    assert blinker.view.universe is before
    press(app, "u", "left", "u", "u")
    assert blinker.view.universe is before and blinker.view.message == "nothing to undo"


def test_a_run_is_undone_at_once(blinker):
    before = blinker.view.universe
    press(blinker, "space")
    assert not blinker.view.paused
    for _ in range(3):
        blinker.advance(2)
    press(blinker, "space", "ctrl+z")
    assert blinker.view.universe is before


def test_the_mouse_draws_what_is_under_it_and_erases_what_is_there(blinker):
    drag(blinker, (4, 2), (4, 5))
    assert living(blinker.view.universe) == {(0, -1), (0, 0), (0, 1)} | {(4, c) for c in range(2, 6)}
    drag(blinker, (4, 5), (4, 4))
    assert (4, 5) not in living(blinker.view.universe) and (4, 3) in living(blinker.view.universe)
    press(blinker, ".", "home")
    assert (4, 3) in living(blinker.view.universe)  # what was drawn is the new start
    press(blinker, "u", "u", "u", "u")
    assert living(blinker.view.universe) == {(0, -1), (0, 0), (0, 1)} and blinker.view.start is blinker.view.universe


@pytest.mark.parametrize("name, shift", [("right", False), ("left", True)])
def test_other_drags_move_the_view(blinker, name, shift):
    before, cells = blinker.view.camera, blinker.view.universe
    drag(blinker, (0, 0), (3, 8), name=name, shift=shift)
    assert (before.x - blinker.view.camera.x, before.y - blinker.view.camera.y) == pytest.approx((8, -3))
    assert blinker.view.universe is cells


def test_the_wheel_zooms_at_the_pointer_without_end(blinker):
    for turns in (3, -20):
        under = cell_at(blinker.view.camera, PART, 33, 44)
        zoom = blinker.view.camera.zoom
        blinker.wheel(33, 44, turns)
        assert blinker.view.camera.zoom == pytest.approx(zoom * 1.2**turns)
        near = cell_at(blinker.view.camera, PART, 33, 44)
        assert max(abs(a - b) for a, b in zip(near, under, strict=True)) <= 1


def test_what_is_selected_is_copied_turned_and_pasted(blinker):
    drag(blinker, (-1, -1), (0, 1), ctrl=True)
    assert blinker.view.selection == Box(-1, -1, 1, 2)
    press(blinker, "ctrl+c", "ctrl+v", "r")
    assert blinker.view.placing and blinker.view.stamp.shape == (3, 2)
    drag(blinker, (10, 10))
    assert living(blinker.view.universe) == {(0, -1), (0, 0), (0, 1)} | {(9, 9), (10, 9), (11, 9)}
    press(blinker, "escape", "delete")
    assert living(blinker.view.universe) == {(9, 9), (10, 9), (11, 9)}
    press(blinker, "escape", "backspace")
    assert not living(blinker.view.universe)


def test_a_pattern_is_loaded_by_name_and_a_wrong_name_loses_nothing(blinker):
    before = blinker.view.universe
    press(blinker, "l")
    type_in(blinker, "glidr")
    assert press(blinker, "return") is None and "glider" in blinker.view.message
    assert blinker.view.universe is before and blinker.view.prompt.text == "glidr"
    press(blinker, "tab", "return")
    assert blinker.view.name == "glider" == blinker.title and blinker.view.prompt is None
    trimmed = blinker.view.universe.pattern()
    np.testing.assert_array_equal(trimmed.cells, patterns.named("glider").cells)
    press(blinker, "u")
    assert blinker.view.universe is before and blinker.view.name == "test"
    press(blinker, "shift+l")
    type_in(blinker, "block")
    press(blinker, "return")
    drag(blinker, (20, 20))
    assert living(blinker.view.universe) - living(before) == {(19, 19), (19, 20), (20, 19), (20, 20)}


def test_the_rule_can_be_changed_and_a_wrong_one_is_told(blinker):
    press(blinker, ":")
    assert blinker.view.prompt.text == "B3/S23"
    press(blinker, "ctrl+backspace")
    type_in(blinker, "B9/S")
    press(blinker, "return")
    assert blinker.view.rule == LIFE and "B9" in blinker.view.message
    press(blinker, "ctrl+backspace")
    type_in(blinker, "B36/S23:T16,8")
    press(blinker, "return")
    assert blinker.view.rule.name == "B36/S23" and blinker.view.universe.cells.shape == (8, 16)
    assert living(blinker.view.universe) == {(0, -1), (0, 0), (0, 1)}
    press(blinker, "1", "5")
    assert blinker.view.state == 1 and "states 0 to 1" in blinker.view.message


def test_what_is_typed_takes_the_place_of_the_present_rule_unless_it_is_edited(blinker):
    press(blinker, "e")
    assert blinker.view.prompt.text == "B3/S23"
    press(blinker, "backspace")
    assert blinker.view.prompt.text == "B3/S2"
    press(blinker, "escape", "e")
    for letter in "/2/3":
        blinker.press(Key(letter, letter))
    assert blinker.view.prompt.text == "/2/3"


def test_states_that_the_new_rule_lacks_die():
    brain, _ = notation.parse("/2/3")
    new, lost = life_edit.ruled(at(0, 0, [[1, 2, 1]], brain), LIFE, PLANE)
    assert living(new) == {(0, 0), (0, 2)} and lost == 1


def test_what_is_saved_reads_back_and_overwrites_nothing(blinker, tmp_path):
    press(blinker, ".", "s", "s")
    files = sorted(tmp_path.glob("*.rle"))
    assert len(files) == 2 and str(files[0]) in blinker.view.message
    pattern = formats.read(files[0].read_text())
    np.testing.assert_array_equal(pattern.cells, [[1], [1], [1]])
    assert (pattern.x, pattern.y, pattern.generation, pattern.rule) == (0, -1, 1, "B3/S23")
    again, rule, grid = life_watch.load(str(files[1]))
    assert living(universe.begin(again, rule, grid)) == living(blinker.view.universe)


def test_files_are_found_with_their_rules(tmp_path):
    (tmp_path / "mine.rule").write_text(
        "@RULE mine\n@TABLE\nn_states:3\nneighborhood:vonNeumann\nsymmetries:rotate4\n011112\n"
    )
    (tmp_path / "a.rle").write_text("x = 2, y = 1, rule = mine:T9,9\n2A!\n")
    pattern, rule, grid = life_watch.load(str(tmp_path / "a.rle"))
    assert (rule.name, rule.num_states, grid, pattern.name) == ("mine", 3, torus(9, 9), "a")
    rule, grid = life_watch.rule_of(str(tmp_path / "mine.rule"))
    assert rule.num_states == 3 and grid == PLANE
    for wrong in (str(tmp_path / "none.rle"), str(tmp_path), "no such pattern"):
        with pytest.raises(ValueError):
            life_watch.load(wrong)


def test_objects_are_found_named_and_followed(blinker):
    glider = patterns.named("glider").cells
    started = life_edit.pasted(life_edit.pasted(at(0, -1, BLINKER), 20, 20, glider), -30, 0, np.ones((2, 2), np.uint8))
    app = app_on(started)
    press(app, "c")
    app.frame(True)
    app.settle()
    app.frame(True)
    assert dict(life_census.counted(app.view)) == {"blinker": 1, "glider": 1, "block": 1}
    app.view.paused = False
    app.advance(8)
    boxes = {each.name: box for each, box in life_census.whereabouts(app.view)}
    assert boxes["glider"] == Box(22, 22, 25, 25) and boxes["block"] == Box(-30, 0, -28, 2)
    assert life_edit.busy(app.view.universe) == Box(-30, -1, 25, 25)
    press(app, "e", "ctrl+backspace")
    type_in(app, "B3/S23/C3")
    press(app, "return")
    app.frame(True)
    assert app.view.found == [] and "two-state" in app.view.told


def test_a_census_that_fails_is_told_and_tried_anew_with_what_comes_next(blinker, monkeypatch):
    def broken(*words):
        raise RuntimeError("no objects today")

    monkeypatch.setattr(objects, "identify", broken)
    press(blinker, "c")
    for _ in range(3):
        blinker.frame(True)
        blinker.settle()
    assert blinker.view.found == [] and "no objects today" in blinker.view.told
    monkeypatch.undo()
    press(blinker, ".")
    for _ in range(2):
        blinker.frame(True)
        blinker.settle()
    assert life_census.counted(blinker.view) == [("blinker", 1)] and blinker.view.told == ""


def test_on_a_grid_that_ends_the_census_says_what_it_misses():
    """A blinker is one wherever it lies on a torus, but across the seam it is not found."""
    for right, found in ((0, [("blinker", 1)]), (4, [])):
        started = at(0, -1, BLINKER, grid=torus(10, 10))
        started = replace(started, cells=np.roll(started.cells, right, axis=1))
        np.testing.assert_array_equal(universe.advance(started, 2).cells, started.cells)
        app = app_on(started)
        press(app, "c")
        for _ in range(2):
            app.frame(True)
            app.settle()
        assert app.view.found_in is started and life_census.counted(app.view) == found
        assert "objects at the edges of T10,10" in life_census.caution(app.view)
    assert life_census.caution(app_on(at(0, -1, BLINKER)).view) == ""


def test_the_button_that_began_a_drag_ends_it(blinker):
    blinker.down(*middle(blinker, 4, 2), Key("left"))
    blinker.up(*middle(blinker, 4, 2), "right")
    blinker.moved(*middle(blinker, 4, 5), True)
    assert {(4, c) for c in range(2, 6)} < living(blinker.view.universe)
    blinker.up(*middle(blinker, 4, 5), "left")
    blinker.moved(*middle(blinker, 4, 7), True)
    assert (4, 7) not in living(blinker.view.universe)


def test_a_line_shows_its_past():
    rule, grid = notation.parse("W90")
    app = app_on(at(0, 0, [[1]], rule, grid))
    app.advance(40)
    field, _ = life_view.field_of(app.view)
    assert field.y + len(field.cells) == 1  # the present is in row 0
    history = elementary.history(rule, [1], 40, "line")
    np.testing.assert_array_equal(field.cells[:, -field.x - 40 : -field.x + 41], history)
    press(app, ".", "u", ".")
    assert len(life_view.field_of(app.view)[0].cells) == 42
    press(app, "home")
    assert len(life_view.field_of(app.view)[0].cells) == 1


def test_bursts_double_and_halve(blinker):
    press(blinker, "x", "x", "x")
    assert blinker.view.burst == 8
    press(blinker, "shift+x", "shift+x")
    assert blinker.view.burst == 2
    press(blinker, "shift+x")
    assert blinker.view.burst == 0
    press(blinker, "x", "m")
    assert blinker.view.burst == 0


def test_the_whole_pattern_is_shown_and_stays_in_view_when_resized(blinker):
    press(blinker, "f")
    box = life_draw.on_screen(blinker.view.camera, PART, Box(0, -1, 1, 2))
    assert box[0] > 0 and box[2] < PART[0] and (box[0] + box[2]) / 2 == PART[0] / 2
    blinker.resize((900, 700))
    assert blinker.view.camera == life_view.fitted(blinker.view, scene_size((900, 700)))
    assert blinker.frame(True).shape == (700, 900, 3)


def key(code, unicode="", mod=0):
    return pygame.event.Event(pygame.KEYDOWN, {"key": code, "unicode": unicode, "mod": mod})


def test_an_automaton_lives_in_the_same_window(blinker, tmp_path):
    window = Window(blinker, SIZE, tmp_path)
    pygame.event.clear()
    for event in (key(pygame.K_l, "l"), *(key(ord(c), c) for c in "pq"), key(pygame.K_BACKSPACE, "\x08")):
        pygame.event.post(event)
    window.step()
    assert window.open and blinker.view.prompt.text == "p"
    for event in (key(pygame.K_ESCAPE), key(pygame.K_x, "x"), key(pygame.K_SPACE, " ")):
        pygame.event.post(event)
    for _ in range(3):
        window.step()
    assert blinker.view.universe.generation == 6  # two from picture to picture
    left, top = middle(blinker, 7, 7)
    at_ = {"pos": (int(left), int(top)), "button": 1}
    for event in (key(pygame.K_SPACE, " "), key(pygame.K_p, "p")):
        pygame.event.post(event)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, at_))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, at_))
    window.step()
    assert (7, 7) in living(blinker.view.universe) and "saved" in blinker.view.message
    assert [path.name for path in tmp_path.glob("*.png")] == ["test-000000006.png"]
    window.step()
    seen = pygame.surfarray.array3d(window.screen)[int(left), int(top)]
    assert tuple(seen) == life_colours.ALIVE
    ctrl = pygame.event.Event(pygame.KEYUP, {"key": pygame.K_LCTRL, "unicode": "", "mod": 0})
    pygame.event.post(key(pygame.K_LCTRL, mod=pygame.KMOD_LCTRL))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, at_))
    pygame.event.post(ctrl)  # what was held counts, though it is held no more when the event is read
    window.step()
    assert blinker.view.selection == Box(7, 7, 8, 8)
    pygame.event.post(key(pygame.K_q, "q"))
    window.step()
    assert not window.open
    window.close()
