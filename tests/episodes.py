"""Playing tasks with hand-written controllers, for tests: lanes last, frozen when done, as in a rollout."""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnums=0)
def observe(task, states):
    """Observations `[inputs, L]`."""
    return jax.vmap(task.observe, in_axes=-1, out_axes=-1)(states)


@partial(jax.jit, static_argnums=0)
def step(task, states, outputs):
    """States after `outputs` `[outputs, L]`, and which are done `[L]`."""
    return jax.vmap(task.step, in_axes=-1, out_axes=-1)(states, outputs)


@partial(jax.jit, static_argnums=(0, 1))
def play(task, act, states):
    """Last states, and steps until done (-1: never) of each lane. `act(t, observations, states) -> outputs`."""

    def tick(t, carry):
        states, length = carry
        outputs = act(t, observe(task, states), states)
        after, done = step(task, states, outputs)
        keep = lambda new, old: jnp.where(length >= 0, old, new)
        return jax.tree.map(keep, after, states), jnp.where((length < 0) & done, t + 1, length)

    lanes = jax.tree.leaves(states)[0].shape[-1]
    return jax.lax.fori_loop(0, task.steps, tick, (states, jnp.full(lanes, -1)))


@partial(jax.jit, static_argnums=(0, 1))
def starts(task, copies, seed=0):
    """`copies` evaluations side by side, each with a key of its own: lanes are copies × episodes."""
    keys = jnp.repeat(jax.random.split(jax.random.key(seed), copies), task.episodes)
    return jax.vmap(task.reset, out_axes=-1)(keys, jnp.tile(jnp.arange(task.episodes), copies))


@partial(jax.jit, static_argnums=0)
def measure(task, finals):
    """Fitness and passed, `[copies]` each, of the last states of `starts`."""
    by_copy = lambda leaf: leaf.reshape(*leaf.shape[:-1], -1, task.episodes)
    finals = jax.tree.map(lambda leaf: jnp.moveaxis(by_copy(leaf), (-2, -1), (0, 1)), finals)
    return jax.vmap(task.fitness)(finals), jax.vmap(task.passed)(finals)
