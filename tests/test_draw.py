"""Truths about pictures: what is where, in which colour, seen from which camera. No window, no pygame."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.network import Brain, Memory
from evolution.genome import BrainConfig, connection_id, express, founder
from evolution.natural import Mind
from sim import senses, step
from sim.body import founder_bodies
from sim.config import WorldConfig, WorldParams
from viz import brain_graph, camera, colours, creatures, draw, subject
from viz.camera import Camera

CONFIG = WorldConfig(width=40, height=32, founders=6, obstacles=False, poison=True)
WALLED = dataclasses.replace(CONFIG, boundary="walled")
PARAMS = WorldParams()
SIZE = (400, 320)
WHITE = np.full((8, 3), 255, np.float32)


@pytest.fixture(scope="module")
def still():
    """A bare world on the host, its eight slots empty."""
    bodies = founder_bodies(6)
    world = jax.device_get(step.genesis(jax.random.key(0), CONFIG, PARAMS, 8, bodies, jnp.zeros(6)))
    bare = np.zeros_like(world.plants)
    empty = np.zeros_like(world.alive)
    return dataclasses.replace(world, alive=empty, plants=bare, poison=bare, meat=bare, fertility=bare)


def with_one(world, x, y, heading=0.0, size=1.0, slot=2):
    """The world with one living creature."""

    def put(array, value):
        array = np.array(array)
        array[slot] = value
        return array

    body = dataclasses.replace(world.body, size=put(world.body.size, size))
    return dataclasses.replace(
        world,
        x=put(world.x, x),
        y=put(world.y, y),
        heading=put(world.heading, heading),
        alive=put(world.alive, True),
        body=body,
    )


def picture(world, view=None, config=CONFIG, size=SIZE, colour=WHITE, **more):
    return draw.scene(config, world, view or camera.fit(config, size), size, colour, **more).astype(int)


def changed(world, base, view=None, **more):
    """Mask of the pixels in which two worlds' pictures differ."""
    return (picture(world, view, **more) != picture(base, view, **more)).any(axis=2)


def middle(mask):
    rows, columns = np.nonzero(mask)
    return columns.mean() + 0.5, rows.mean() + 0.5


def test_a_creature_is_drawn_where_it_is(still):
    mask = changed(with_one(still, 10.5, 8.25), still)
    i, j = middle(mask)
    assert abs(i - 105) < 3 and abs(j - (320 - 82.5)) < 3
    assert mask.sum() < 300


@pytest.mark.parametrize("heading", np.linspace(0, 2 * np.pi, 9)[:-1])
def test_the_pointed_end_is_ahead(still, heading):
    """The farthest pixel from the creature's place lies in its heading, y upwards."""
    view = Camera(20.0, 16.0, 60.0)
    mask = changed(with_one(still, 20.0, 16.0, heading), still, view)
    rows, columns = np.nonzero(mask)
    dx, dy = columns + 0.5 - 200, 160 - (rows + 0.5)
    tip = np.argmax(np.hypot(dx, dy))
    off = np.angle(np.exp(1j * (np.arctan2(dy[tip], dx[tip]) - heading)))
    assert abs(off) < 0.2


def test_larger_bodies_take_more_pixels(still):
    view = Camera(20.0, 16.0, 20.0)
    areas = [changed(with_one(still, 20.0, 16.0, size=s), still, view).sum() for s in (0.5, 1.0, 2.0, 3.0)]
    assert np.all(np.diff(areas) > 0)
    assert areas[2] / areas[1] == pytest.approx(2, rel=0.2)  # the area is the mass


def test_a_creature_has_its_colour(still):
    colour = np.zeros((8, 3), np.float32)
    colour[2] = (200, 40, 90)
    world = with_one(still, 20.0, 16.0)
    rgb = picture(world, Camera(20.0, 16.0, 60.0), colour=colour, layers=frozenset())
    assert np.abs(rgb[160, 190] - colour[2]).max() < 40


def test_a_creature_on_the_seam_of_a_torus_shows_on_both_sides(still):
    mask = changed(with_one(still, 0.02, 31.98), still)
    corners = mask[:8, :8], mask[:8, -8:], mask[-8:, :8], mask[-8:, -8:]
    assert all(corner.any() for corner in corners)
    assert changed(with_one(still, 0.02, 16.0), still, config=WALLED)[:, -20:].sum() == 0


def test_a_shifted_torus_under_a_shifted_camera_is_the_same_picture(still):
    world = with_one(still, 3.0, 4.0)
    rolled = dataclasses.replace(
        with_one(still, 3.0 + 17 - 0, (4.0 + 30) % 32),
        plants=np.roll(world.plants, (30, 17), (0, 1)),
    )
    view, shifted = Camera(5.0, 6.0, 15.0), Camera(22.0, (6.0 + 30) % 32, 15.0)
    np.testing.assert_array_equal(changed(world, still, view), changed(rolled, still, shifted))


def test_the_dead_are_not_drawn(still):
    world = with_one(still, 10.0, 10.0)
    assert not changed(dataclasses.replace(world, alive=still.alive), still).any()


def luminance(rgb):
    return rgb @ np.array([0.2126, 0.7152, 0.0722])


def test_fields_show_in_their_cells_and_colours(still):
    """Row r of a field is drawn r cells above the lower edge."""

    def cell(name, layers=draw.DEFAULT_LAYERS):
        field = np.zeros_like(still.plants)
        field[5, 7] = 1.0
        rgb = picture(dataclasses.replace(still, **{name: field}), layers=layers)
        return rgb[320 - 55, 75]

    bare = picture(still)[320 - 55, 75]
    plants, poison, meat = cell("plants"), cell("poison"), cell("meat")
    assert luminance(plants) > luminance(bare) + 20 and plants.argmax() == 1
    assert poison.argmin() == 1 and poison[2] > poison[1] + 40
    assert meat.argmax() == 0 and meat[0] > 2 * meat[1]
    np.testing.assert_array_equal(cell("plants", frozenset({"light"})), bare)
    assert luminance(cell("automaton")) > luminance(bare) + 60
    np.testing.assert_array_equal(cell("automaton", draw.DEFAULT_LAYERS - {"automaton"}), bare)


def test_overlays_show_what_is_far_from_silent(still):
    scent = np.zeros_like(still.scent)
    scent[2, 3] = 5.0
    world = dataclasses.replace(still, scent=scent)
    mask = (picture(world, layers=frozenset({"scent"})) != picture(world, layers=frozenset())).any(axis=2)
    i, j = middle(mask)
    assert abs(i - 140) < 15 and abs(j - (320 - 100)) < 15
    assert not changed(world, still).any()


def test_nights_are_darker(still):
    midnight = dataclasses.replace(still, light=np.float32(0.4))
    assert picture(midnight).mean() < 0.9 * picture(still).mean()
    off = frozenset()
    np.testing.assert_array_equal(picture(midnight, layers=off), picture(still, layers=off))


def test_screen_and_world_are_inverse():
    view = Camera(13.0, 7.0, 9.5)
    x, y = camera.to_world(view, SIZE, *camera.to_screen(view, SIZE, 20.25, 3.5))
    assert (x, y) == pytest.approx((20.25, 3.5))
    assert camera.to_screen(view, SIZE, 13.0, 7.0) == (200, 160)


@pytest.mark.parametrize("factor", [0.7, 1.3, 4.0])
def test_zooming_keeps_the_point_under_the_pointer(factor):
    view = Camera(20.0, 16.0, 20.0)
    before = camera.to_world(view, SIZE, 333, 44)
    after = camera.to_world(camera.zoomed(CONFIG, view, SIZE, factor, 333, 44), SIZE, 333, 44)
    gap = np.subtract(after, before) / (CONFIG.width, CONFIG.height)
    np.testing.assert_allclose(gap, np.round(gap), atol=1e-9)  # the same place of the torus


def test_panning_moves_the_picture_by_the_pixels_asked_for(still):
    world, view = with_one(still, 20.0, 16.0), Camera(20.0, 16.0, 10.0)
    moved = camera.panned(CONFIG, view, 50, -30)
    i, j = middle(changed(world, still, moved))
    assert abs(i - 250) < 3 and abs(j - 130) < 3


def test_the_selected_one_has_a_ring_and_rays(still):
    world = with_one(still, 20.0, 16.0, heading=0.0)
    view = Camera(20.0, 16.0, 20.0)
    obs = np.zeros(len(senses.names(CONFIG)), np.float32)
    ringed = draw.Mark(20.0, 16.0, 0.0, 1.0, True, None)
    plain = picture(world, view)
    with_ring = picture(world, view, mark=ringed)
    rayed = picture(world, view, mark=dataclasses.replace(ringed, obs=obs))
    away = np.hypot(*(np.indices((320, 400)) + 0.5 - np.array([160, 200])[:, None, None]))
    radius = 1.5 * float(creatures.radius(view, np.array(1.0))) + 4
    on_ring = np.abs(away - radius) < 0.7
    assert (with_ring != plain).any(axis=2)[on_ring].all()
    assert not (with_ring != plain).any(axis=2)[np.abs(away - radius) > 4].any()
    tip = 200 + 20 * CONFIG.retina_distances[-1]  # the middle ray looks straight ahead
    assert (rayed != with_ring)[158:163, int(tip) - 2 : int(tip) + 2].any()


def test_drawing_changes_nothing_it_is_given(still):
    world = with_one(still, 20.0, 16.0)
    before = [np.array(leaf) for leaf in jax.tree.leaves(world)]
    for leaf in jax.tree.leaves(world):
        if isinstance(leaf, np.ndarray):
            leaf.flags.writeable = False
    colour = np.full((8, 3), 120, np.float32)
    colour.flags.writeable = False
    picture(world, Camera(1.0, 1.0, 3.0), colour=colour, mark=draw.Mark(20.0, 16.0, 0.0, 1.0, True, None))
    for a, b in zip(before, jax.tree.leaves(world), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (57, 13)])
@pytest.mark.parametrize("zoom", [0.3, 2.0, 200.0])
@pytest.mark.parametrize("config", [CONFIG, WALLED], ids=["torus", "walled"])
def test_any_size_and_zoom_gives_a_picture_of_that_size(still, size, zoom, config):
    rgb = picture(with_one(still, 0.0, 0.0, size=3.0), Camera(0.0, 0.0, zoom), config, size)
    assert rgb.shape == (size[1], size[0], 3)


def test_nobody_alive_is_a_landscape(still):
    assert picture(still).std() > 0


@pytest.mark.parametrize("mode", colours.MODES)
def test_every_mode_colours_every_slot(still, mode):
    shade = colours.shade(mode, with_one(still, 1.0, 1.0), PARAMS, None)
    assert shade.colour.shape == (8, 3)
    assert shade.colour.min() >= 0 and shade.colour.max() <= 255


def test_modes_tell_apart_what_they_are_about(still):
    diet = np.linspace(0, 1, 8).astype(np.float32)
    world = dataclasses.replace(still, body=dataclasses.replace(still.body, diet=diet))
    colour = colours.shade("diet", world, PARAMS, None).colour
    assert colour[0].argmax() == 1 and colour[-1].argmax() == 0
    species = np.array([5, 5, 7, 7, 11, 11, -1, -1])
    colour = colours.shade("species", world, PARAMS, species).colour
    assert (colour[0] == colour[1]).all() and np.abs(colour[0] - colour[2]).max() > 30


def test_clicks_find_the_creature_that_is_drawn_there(still):
    world = with_one(still, 39.9, 16.0, slot=5)
    view = Camera(0.0, 16.0, 10.0)  # the seam runs through the middle
    assert subject.pick(CONFIG, world, view, SIZE, 199, 160) == 5
    assert subject.pick(CONFIG, world, view, SIZE, 260, 160) == -1
    assert subject.pick(CONFIG, still, view, SIZE, 199, 160) == -1


def mind_with(source, target, weight, enabled):
    """A mind of four inputs and two outputs with the connections given, and its memory."""
    config = BrainConfig(hidden=2, connections=4)
    genome = founder(jax.random.key(0), config, 4, 2)
    num = len(source)

    def fill(values, old, blank):
        return jnp.full(old.shape, blank, old.dtype).at[:num].set(jnp.asarray(values, old.dtype))

    genome = dataclasses.replace(
        genome,
        source=fill(source, genome.source, -1),
        target=fill(target, genome.target, -1),
        innovation=fill(connection_id(jnp.asarray(source), jnp.asarray(target)), genome.innovation, -1),
        weight=fill(weight, genome.weight, 0),
        enabled=fill(enabled, genome.enabled, False),
    )
    brain: Brain = express(config, 4, genome)
    memory = Memory(value=np.zeros(4, np.float32), learned=None)
    return jax.device_get(Mind(kind=jnp.int32(0), genome=genome, brain=brain, species=None)), memory


def test_the_graph_has_an_edge_for_each_enabled_connection_and_no_other():
    obs = np.zeros(4, np.float32)
    both = brain_graph.network(*mind_with([0, 3], [4, 5], [1.0, -2.0], [True, True]), obs, 2)
    one = brain_graph.network(*mind_with([0, 3], [4, 5], [1.0, -2.0], [True, False]), obs, 2)
    assert {(int(s), int(t)) for s, t in zip(both.source, both.target, strict=True)} == {(0, 4), (3, 5)}
    assert {(int(s), int(t)) for s, t in zip(one.source, one.target, strict=True)} == {(0, 4)}

    def halfway(net, source, target):
        """The pixel in the middle of where an edge would be, with the places of the full network."""
        place = brain_graph.layout(both, (400, 240))
        x, y = np.add(place[source], place[target]) / 2
        rgb = brain_graph.picture(net, (400, 240), "abcd", "xy").astype(int)
        return rgb[int(y), int(x)]

    assert np.abs(halfway(both, 0, 4) - colours.CARD).max() > 40
    assert halfway(both, 0, 4)[2] > halfway(both, 0, 4)[0]  # positive is blue
    assert halfway(both, 3, 5)[0] > halfway(both, 3, 5)[2]  # negative is orange
    np.testing.assert_array_equal(halfway(one, 3, 5), colours.CARD)


def test_stronger_connections_are_thicker_and_values_colour_nodes():
    def drawn(weight, value):
        net = brain_graph.network(*mind_with([0], [4], [weight], [True]), np.array([value, 0, 0, 0], np.float32), 2)
        return net, brain_graph.picture(net, (400, 240), "abcd", "xy").astype(int)

    ink = [(np.abs(drawn(w, 0.0)[1] - colours.CARD).max(axis=2) > 40).sum() for w in (0.5, 2.0, 4.0)]
    assert np.all(np.diff(ink) > 0)
    net, rgb = drawn(1.0, 1.0)
    x, y = brain_graph.layout(net, (400, 240))[0]
    np.testing.assert_allclose(rgb[int(y), int(x)], colours.POSITIVE, atol=3)


def test_what_was_learned_shows():
    mind, memory = mind_with([0], [4], [1.0], [True])
    learned = np.zeros_like(mind.brain.weight)
    learned[0] = -3.0
    net = brain_graph.network(mind, dataclasses.replace(memory, learned=learned), np.zeros(4), 2)
    assert net.weight.tolist() == [-2.0]


def test_loops_and_strangers_do_no_harm():
    net = brain_graph.network(*mind_with([4, 5, 4], [4, 4, 5], [1.0, 1.0, 1.0], [True] * 3), np.zeros(4), 2)
    assert brain_graph.picture(net, (300, 200), "abcd", "xy").std() > 0
    assert brain_graph.picture(None, (300, 200), "abcd", "xy").shape == (200, 300, 3)
