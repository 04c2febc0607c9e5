"""Speed of learning by reward: environments alone, acted in at random, and PPO in them, training included.

Each row is one program of one learner, without the persistent cache; what compiles it is timed apart. Stable-Baselines3
learns CartPole beside them in the same run where it is installed, with the same networks, epochs and minibatches, on
the same processor. Floating-point operations are those of the products of weights, counted by hand, so that one can see
how far from the processor's peak the small products of such networks are. Leaves out several learners side by side.
"""

from __future__ import annotations

import importlib.util
import time
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agents.environments.base import Environment
from agents.learned import Network
from agents.learning.lanes import Lanes, advance, begin, observe
from agents.learning.ppo import Ppo, PpoParams
from evolution.tasks.environment import environment_of
from experiments import config
from experiments.simulation import numbers

TASKS = ("cartpole", "forage_task")
WARM, TIMED = 2, 20  # iterations before and on the clock


def measure() -> dict[str, Any]:
    """A row of figures for each task."""
    jax.config.update("jax_enable_compilation_cache", False)  # compile times are cold ones
    rows = [_row(task) for task in TASKS]
    return {"bench": "rl", "device": jax.devices()[0].device_kind, "results": rows}


def _row(task: str) -> dict[str, Any]:
    named = config.load(task).task
    assert named is not None
    environment = environment_of(named)
    learner = Ppo(numbers(PpoParams()))
    shape = learner.network(environment)
    params = learner.params
    row: dict[str, Any] = {"name": task, "environments": params.environments, "bodies": environment.bodies}
    row |= {"observations": shape.inputs, "choices": shape.width}
    alone = partial(_wandered, environment, params.horizon)
    lanes = begin(jax.random.key(0), environment, params.environments)
    steps, seconds, compiling = _timed(alone, lanes)
    row |= {"random_steps_per_s": round(steps / seconds), "random_compile_s": round(compiling, 2)}
    learn = lambda key, state: learner.learn(key, environment, state)
    steps, seconds, compiling = _timed(learn, jax.jit(learner.init, static_argnums=1)(jax.random.key(0), environment))
    row |= {"ppo_steps_per_s": round(steps / seconds), "ppo_compile_s": round(compiling, 2)}
    flops = _flops_of_a_step(learner, environment)
    row |= {"flops_per_step": flops, "gflop_per_s": round(flops * steps / seconds / 1e9, 2)}
    if task == "cartpole" and importlib.util.find_spec("stable_baselines3"):
        row["sb3_steps_per_s"] = round(_theirs(params))
        row["ratio"] = round(row["ppo_steps_per_s"] / row["sb3_steps_per_s"], 1)
    return row


def _wandered(environment: Environment, horizon: int, key: jax.Array, lanes: Lanes) -> tuple[Lanes, dict]:
    """The copies after `horizon` moments of random choices from the menu, and agent-steps lived."""
    menu = jnp.asarray(environment.menu)

    def moment(lanes: Lanes, key: jax.Array) -> tuple[Lanes, tuple[jax.Array, jax.Array]]:
        k_choose, k_advance = jax.random.split(key)
        seen = observe(environment, lanes)
        choice = jax.random.randint(k_choose, seen.shape[:2], 0, len(menu))
        lanes, did = advance(k_advance, environment, lanes, menu[choice])
        return lanes, (jnp.sum(did.living), jnp.sum(seen))  # what is summed is computed

    lanes, (living, seen) = jax.lax.scan(moment, lanes, jax.random.split(key, horizon))
    return lanes, {"agent_steps": jnp.sum(living), "seen": jnp.sum(seen)}


def _timed(program: Any, state: Any) -> tuple[float, float, float]:
    """Mean agent-steps and median seconds of an iteration, and seconds of compilation."""
    keys = jax.random.split(jax.random.key(1), WARM + TIMED)
    began = time.perf_counter()
    compiled = jax.jit(program).lower(keys[0], state).compile()
    compiling = time.perf_counter() - began
    for key in keys[:WARM]:
        state, told = compiled(key, state)
    jax.block_until_ready(state)
    steps, spent = [], []
    for key in keys[WARM:]:
        began = time.perf_counter()
        state, told = compiled(key, state)
        steps.append(int(told["agent_steps"]))  # waits for the result, as a run does
        spent.append(time.perf_counter() - began)
    return float(np.mean(steps)), float(np.median(spent)), compiling


def _flops_of_a_step(learner: Ppo, environment: Environment) -> int:
    """Operations of an agent-step of experience: forward once, and forward and twice that backward in each epoch."""
    actor = learner.network(environment)
    forward = _flops(actor, actor.width) + _flops(actor, 1)  # actor and critic
    return forward * (1 + 3 * learner.params.epochs)


def _flops(network: Network, width: int) -> int:
    """Operations of the products of one look; two for each weight."""
    sizes = (network.inputs, *network.hidden, width)
    return 2 * sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))


def _theirs(params: PpoParams) -> float:
    """Steps per second of Stable-Baselines3, in its own environments."""
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env

    round_ = params.environments * params.horizon
    model = stable_baselines3.PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", params.environments),
        n_steps=params.horizon,
        batch_size=round_ // params.minibatches,
        n_epochs=params.epochs,
        device="cpu",
    )
    model.learn(WARM * round_)
    began = time.perf_counter()
    model.learn(TIMED * round_)
    return TIMED * round_ / (time.perf_counter() - began)
