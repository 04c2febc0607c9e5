"""The window under a dummy display, driven by posted events, over a source that keeps books of its own."""

import dataclasses
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pygame
import pytest

from evolution import natural
from evolution.genome import BrainConfig
from sim import actions, senses, step
from sim.body import founder_bodies
from sim.config import WorldConfig, WorldParams
from tests import FAST
from viz.app import SPEEDS
from viz.camera import Camera, nearest, to_screen, to_world
from viz.compose import picture
from viz.furniture import scene_size
from viz.pacer import Pacer
from viz.source import Source, row
from viz.window import NoDisplay, Window
from viz.world_app import WorldApp

CONFIG = WorldConfig(width=32, height=24, founders=10)
PARAMS = WorldParams()
BRAIN = BrainConfig(hidden=2, connections=16)
SIZE = (900, 600)


@cache
def founded():
    """Minds `[16, ...]` and the world at tick 0."""

    @partial(jax.jit, compiler_options=FAST)
    def begin():
        num = CONFIG.founders
        inputs, outputs = len(senses.names(CONFIG)), len(actions.names(CONFIG))
        minds = natural.founders(jax.random.key(1), BRAIN, inputs, outputs, 16)
        return minds, step.genesis(jax.random.key(0), CONFIG, PARAMS, 16, founder_bodies(num), jnp.ones(num))

    minds, world = begin()
    return minds, jax.device_get(world)


class Drift:
    """A world in which everyone drifts ahead; it records what it is asked for."""

    title, config, params, activations, kinds = "drift", CONFIG, PARAMS, BRAIN.activations, ()
    counters = {"births": 3, "deaths_starved": 1}  # noqa: RUF012

    def __init__(self, records=(), last=10_000):
        self.minds, self.world = founded()
        self.memories = natural.newborn_memory(self.minds)
        self.ticks, self.last, self.asked = tuple(records), last, []
        self.species = np.arange(16) % 3

    def _goto(self, tick):
        gone = tick - int(self.world.tick)
        x = (self.world.x + 0.1 * gone) % CONFIG.width
        self.world = dataclasses.replace(self.world, tick=np.int32(tick), x=x.astype(np.float32))

    def advance(self, num_ticks):
        now = int(self.world.tick)
        self.asked.append(num_ticks)
        self._goto(min(now + num_ticks, self.last))
        return int(self.world.tick) - now

    def snapshot(self):
        return self.world

    def mind(self, slot):
        return row(self.minds, slot)

    def memory(self, slot):
        return row(self.memories, slot)

    def obs(self, slot):
        return np.linspace(-1, 1, len(senses.names(CONFIG))).astype(np.float32)

    def seek(self, tick):
        assert tick in self.ticks
        self._goto(tick)

    def kill(self, slot, reuse=False):
        alive, uid = np.array(self.world.alive), np.array(self.world.uid)
        alive[slot], uid[slot] = reuse, uid[slot] + 100 * reuse
        died, cause = np.array(self.world.died), np.array(self.world.cause)
        died[slot], cause[slot] = self.world.tick, 1
        self.world = dataclasses.replace(self.world, alive=alive, uid=uid, died=died, cause=cause)


@pytest.fixture
def source():
    return Drift()


@pytest.fixture
def shown(source, tmp_path):
    window = Window(WorldApp(source), SIZE, tmp_path)
    window.view.paused = True
    pygame.event.clear()
    yield window
    window.close()


def send(window, *events):
    for kind, values in events:
        pygame.event.post(pygame.event.Event(kind, values))
    window.step()


def key(code, unicode="", mod=0):
    return pygame.KEYDOWN, {"key": code, "unicode": unicode, "mod": mod}


def click(i, j):
    at = {"pos": (int(i), int(j)), "button": 1}
    return (pygame.MOUSEBUTTONDOWN, at), (pygame.MOUSEBUTTONUP, at)


def place(window, source, slot):
    """Where a creature is drawn."""
    part, view = scene_size(window.size), window.view.camera
    world = source.snapshot()
    return to_screen(view, part, *nearest(CONFIG, view, world.x[slot], world.y[slot]))


def pixels(window):
    return pygame.surfarray.array3d(window.screen)


def test_a_paused_window_asks_for_nothing(shown, source):
    for _ in range(3):
        shown.step()
    assert source.asked == []
    send(shown, key(pygame.K_SPACE))
    shown.view.speed = len(SPEEDS) - 1
    shown.step()
    assert sum(source.asked) > 0


@pytest.mark.parametrize("code, unicode", [(pygame.K_PERIOD, "."), (pygame.K_RIGHT, "")])
def test_a_step_is_exactly_one_tick(shown, source, code, unicode):
    send(shown, key(code, unicode))
    shown.step()
    assert int(source.world.tick) == 1 and shown.view.paused


def test_a_click_selects_who_is_drawn_there(shown, source):
    send(shown, *click(*place(shown, source, 4)))
    assert shown.view.subject.uid == source.world.uid[4]
    assert shown.view.subject.species == 1
    send(shown, key(pygame.K_f, "f"), key(pygame.K_SPACE))
    send(shown, key(pygame.K_PERIOD, "."))
    part = scene_size(shown.size)
    assert place(shown, source, 4) == pytest.approx((part[0] / 2, part[1] / 2), abs=0.01)  # it is followed
    corner = to_world(shown.view.camera, part, 2, 2)
    free = min(np.hypot(source.world.x - corner[0], source.world.y - corner[1])) > 2
    assert free
    send(shown, *click(2, 2))
    assert shown.view.subject is None and not shown.view.follow


def test_a_death_is_told_and_the_last_state_kept(shown, source):
    send(shown, *click(*place(shown, source, 4)))
    energy = shown.view.subject.state["energy"]
    source.kill(4)
    shown.step()
    assert not shown.view.subject.alive and "starved" in shown.view.subject.fate
    assert "died" in shown.view.message
    source.kill(4, reuse=True)
    shown.step()
    assert shown.view.subject.gone and shown.view.subject.state["energy"] == energy
    assert "starved" in shown.view.subject.fate


def test_the_wheel_zooms_at_the_pointer(shown):
    part = scene_size(shown.size)
    before, at = shown.view.camera, (320, 250)
    send(shown, (pygame.MOUSEWHEEL, {"x": 0, "y": 3, "at": at}))
    assert shown.view.camera.zoom == pytest.approx(before.zoom * 1.2**3)
    there = to_world(shown.view.camera, part, *at)
    assert there == pytest.approx(to_world(before, part, *at))
    send(shown, key(pygame.K_r, "r"))
    assert shown.view.camera == before


def test_dragging_pans_and_does_not_select(shown, source):
    i, j = place(shown, source, 4)
    before = shown.view.camera
    move = (pygame.MOUSEMOTION, {"pos": (int(i) + 60, int(j)), "rel": (60, 0), "buttons": (1, 0, 0)})
    down, up = click(i, j)
    send(shown, down, move, (up[0], {"pos": (int(i) + 60, int(j)), "button": 1}))
    assert shown.view.subject is None
    assert (before.x - shown.view.camera.x) % CONFIG.width == pytest.approx(60 / before.zoom)


@pytest.mark.parametrize("button", [2, 3])
def test_other_buttons_neither_click_nor_end_what_the_left_one_does(shown, source, button):
    i, j = place(shown, source, 4)
    down, up = click(i, j)
    other = {"pos": (int(i), int(j)), "button": button}
    send(shown, down, (pygame.MOUSEBUTTONDOWN, other), (pygame.MOUSEBUTTONUP, other))
    assert shown.view.subject is None
    send(shown, up)
    assert shown.view.subject.uid == source.world.uid[4]


def test_keys_change_what_is_shown_and_not_the_world(shown, source):
    before = [np.array(leaf) for leaf in jax.tree.leaves(source.world)]
    speed, colour = shown.view.speed, shown.view.colour
    send(shown, key(pygame.K_UP), key(pygame.K_TAB, "\t"), key(pygame.K_4, "4"), key(pygame.K_1, "1"))
    assert shown.view.speed == speed + 1 and shown.view.colour != colour
    assert "scent" in shown.view.layers and "plants" not in shown.view.layers
    plain = pixels(shown)
    send(shown, key(pygame.K_h, "h"))
    assert (pixels(shown) != plain).mean() > 0.05
    send(shown, key(pygame.K_ESCAPE))
    assert shown.open and not shown.view.help
    for code, text in (
        (pygame.K_a, "a"),
        (pygame.K_g, "g"),
        (pygame.K_n, "n"),
        (pygame.K_c, "c"),
        (pygame.K_MINUS, "-"),
    ):
        send(shown, key(code, text))
    for a, b in zip(before, jax.tree.leaves(source.world), strict=True):
        np.testing.assert_array_equal(a, b)
    assert source.asked == []


def test_a_picture_can_be_saved(shown, tmp_path):
    send(shown, key(pygame.K_p, "p"))
    send(shown, key(pygame.K_F12))
    files = sorted(tmp_path.glob("*.png"))
    assert len(files) == 2 and pygame.image.load(files[0]).get_size() == SIZE
    shown.pictures = tmp_path / "nowhere"
    send(shown, key(pygame.K_p, "p"))
    assert "could not save" in shown.view.message


@pytest.mark.parametrize("event", [(pygame.QUIT, {}), key(pygame.K_q, "q"), key(pygame.K_ESCAPE)])
def test_quitting_ends_the_loop_and_closes(source, event):
    window = Window(WorldApp(source), (300, 200))
    pygame.event.post(pygame.event.Event(event[0], event[1]))
    window.run()
    assert not window.open and not pygame.display.get_init()
    window.close()


def test_the_window_can_be_resized(shown):
    for size in ((640, 480), (10, 10), (1000, 300)):
        send(shown, (pygame.VIDEORESIZE, {"w": size[0], "h": size[1], "size": size}))
        assert shown.screen.get_size() == shown.size
        assert shown.view.camera.zoom == pytest.approx(min(scene_size(shown.size)[0] / 32, shown.size[1] / 24))


def test_extinction_is_shown(shown, source):
    for slot in range(10):
        source.kill(slot)
    send(shown, key(pygame.K_n, "n"), key(pygame.K_TAB, "\t"), *click(100, 100))
    assert shown.view.subject is None and shown.view.history[-1] == (0, 0)


def test_the_end_of_a_run_is_noticed(tmp_path):
    source = Drift(last=2)
    window = Window(WorldApp(source), (400, 300))
    window.view.speed = len(SPEEDS) - 1
    for _ in range(4):
        window.step()
    window.close()
    assert window.view.over and int(source.world.tick) == 2


def test_a_replay_goes_to_its_records(tmp_path):
    source = Drift(records=(0, 100, 250))
    window = Window(WorldApp(source), SIZE)
    window.view.paused = True
    expected = []
    for code in (pygame.K_END, pygame.K_LEFT, pygame.K_LEFT, pygame.K_LEFT, pygame.K_RIGHT, pygame.K_HOME):
        send(window, key(code))
        expected.append(int(source.world.tick))
    assert expected == [250, 100, 0, 0, 100, 0]
    width, height = scene_size(SIZE)
    send(window, *click(16 + (width - 32) * 0.41, height - 8))
    assert int(source.world.tick) == 100 and source.asked == []
    assert [tick for tick, _ in window.view.history] == [0, 100]
    window.close()


def test_a_screen_that_nobody_sees_is_none(monkeypatch):
    """Without a display SDL may open an invisible one, which nobody could close."""
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    monkeypatch.delenv("SDL_VIDEODRIVER")
    with pytest.raises(NoDisplay):
        Window(WorldApp(Drift()), SIZE)


def test_without_a_display_it_says_so(source, monkeypatch):
    pygame.display.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    with pytest.raises(NoDisplay):
        Window(WorldApp(source), SIZE)


@pytest.mark.parametrize("call", [0.0, 0.05], ids=["cheap calls", "dear calls"])
def test_the_pacer_fills_a_frame_and_no_more(call):
    pacer = Pacer()
    pacer.ran(1, 5.0)  # a compilation, say
    for _ in range(60):
        num = pacer.due(float("inf"), 0.03)
        pacer.ran(num, call + num * 1e-4)
    assert 60 < num < 1 / 30 / 1e-4
    asked = []
    for _ in range(40):
        pacer.ran(pacer.burst, call + pacer.burst * 0.02)  # ticks have become dear
        asked.append(pacer.burst)
    assert np.mean(asked[-20:]) < 1.5


def test_the_pacer_keeps_a_fixed_speed():
    pacer = Pacer()
    pacer.burst = 100
    assert sum(pacer.due(20.0, 1 / 60) for _ in range(60)) in (19, 20)


def test_the_picture_of_a_window_is_made_without_one(source):
    rgb = picture(source, SIZE)
    assert rgb.shape == (600, 900, 3) and rgb.dtype == np.uint8
    for size in ((1, 1), (120, 90), (601, 40)):
        assert picture(source, size).shape == (size[1], size[0], 3)


def test_the_brain_graph_does_not_hide_the_selected_one(shown, source):
    send(shown, key(pygame.K_n, "n"))
    part = scene_size(SIZE)
    world = source.snapshot()
    for i, j in ((60, part[1] - 60), (part[0] - 60, part[1] - 60)):
        state = shown.view.subject.state
        zoom = 60.0
        shown.view.camera = Camera(state["x"] - (i - part[0] / 2) / zoom, state["y"] + (j - part[1] / 2) / zoom, zoom)
        shown.step()
        send(shown, key(pygame.K_g, "g"))
        hidden = pixels(shown)
        send(shown, key(pygame.K_g, "g"))
        drawn = (hidden != pixels(shown)).any(axis=2)
        assert drawn.any() and not drawn[i - 5 : i + 5, j - 5 : j + 5].any()
    assert world is source.snapshot()


def test_a_source_is_what_the_protocol_says(source):
    typed: Source = source
    assert typed.advance(1) == 1
