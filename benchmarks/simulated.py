"""Simulated sweeps of a world of `worlds`, many at once, as logarithms of seconds. Pure but for the generator given.

Times are log-normal, with block effects, round effects that all tasks of a round share (and its phases in part), and
drift: steady from the first round to the last, a step in the middle, or a random walk from round to round. Within a
block the two rounds of a cell stand together, in random order, and so do the cells. What is not normal comes on top:
stalls, second values, time-outs (infinite).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds import GAP, STALL, World

Floats = NDArray[np.float64]
PHASES, PRIMARY = 4, 3
_SWEEPS_FOR_TRUTH = 20_000


def simulate(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> Floats:
    """Logarithms of seconds: sweeps x blocks x cells x phases x (control, form) x tasks."""
    noise = np.array([1.0, world.form_noise]) * scatter(world)[:, None, None]
    order = _order((sweeps, blocks, world.cells), generator)
    block_effects = generator.standard_normal((sweeps, blocks, 1, 1, 1)) * world.block
    moved = _moved(world, order, generator)[:, :, :, None, :]
    rounds = block_effects + moved + _round_effects(world, (sweeps, blocks), generator) * noise
    rounds[..., 1] += world.effect + generator.standard_normal((sweeps, blocks, 1, 1)) * world.varying
    rounds = rounds + _now_and_then(world, (sweeps, blocks, world.cells, 1), world.stalls, STALL, generator)
    rounds = rounds + _now_and_then(world, (sweeps, blocks, world.cells, 1), world.second_by_round, GAP, generator)
    tasks = rounds[..., None] + generator.standard_normal((*rounds.shape, world.tasks)) * world.task * noise[..., None]
    for share, gap in ((world.second_by_task, GAP), (world.time_outs, np.inf)):
        if share:
            by_task = (sweeps, blocks, world.cells, 1, world.tasks)
            tasks = tasks + np.moveaxis(_now_and_then(world, by_task, share, gap, generator), -1, -2)
    return np.asarray(tasks)


def scatter(world: World) -> Floats:
    """The factor by which each cell is noisier."""
    return np.resize(np.array(world.scatter, dtype=float), world.cells)


def differences(tasks: Floats) -> Floats:
    """Differences of the rounds' log medians: sweeps x cells x phases x blocks; NaN where a round has no median."""
    medians = np.log(np.median(np.exp(tasks), axis=-1))
    medians[np.isinf(medians)] = np.nan
    return np.moveaxis(medians[..., 1] - medians[..., 0], 1, -1)


@lru_cache(maxsize=64)
def truth(world: World) -> float:
    """The mean of the blocks' differences, which an interval is about; found by simulation where it is not `effect`."""
    if world.is_normal:
        return world.effect
    calm = replace(world, block=0.0, drift=0.0, cells=1)
    tasks = simulate(calm, 10, _SWEEPS_FOR_TRUTH, np.random.default_rng(0))[:, :, :, PRIMARY:]
    return float(np.nanmean(differences(tasks)))


def _round_effects(world: World, shape: tuple[int, int], generator: np.random.Generator) -> Floats:
    """Sweeps x blocks x cells x phases x (control, form), of variance `World.round` squared."""

    def drawn(cells: int) -> Floats:
        size = (*shape, cells, PHASES + 1, 2)
        draws = generator.standard_t(3, size) / np.sqrt(3) if world.heavy else generator.standard_normal(size)
        return np.asarray(np.sqrt(world.alike) * draws[..., :1, :] + np.sqrt(1 - world.alike) * draws[..., 1:, :])

    own = drawn(world.cells)
    if world.together:
        own = np.sqrt(world.together) * drawn(1) + np.sqrt(1 - world.together) * own
    return own * world.round


def _order(shape: tuple[int, int, int], generator: np.random.Generator) -> NDArray[np.int_]:
    """Each round's place in its block: the two sides of a cell stand together, as `plan` draws them."""
    cells = generator.random(shape).argsort(axis=-1)
    form_first = generator.random(shape) < 0.5
    return np.stack([2 * cells + form_first, 2 * cells + ~form_first], axis=-1)


def _moved(world: World, order: NDArray[np.int_], generator: np.random.Generator) -> Floats:
    """How much longer everything takes at each round's place in the sweep."""
    sweeps, blocks, cells, sides = order.shape
    when = (order / (cells * sides) + np.arange(blocks)[:, None, None]) / blocks
    moved = world.drift * when + world.step * (when >= 0.5)
    if world.wander:
        steps = generator.standard_normal((sweeps, blocks * cells * sides)) * world.wander / np.sqrt(cells * sides)
        path = np.cumsum(steps, axis=-1).reshape(sweeps, blocks, cells * sides)
        moved = moved + np.take_along_axis(path, order.reshape(sweeps, blocks, -1), -1).reshape(order.shape)
    return np.asarray(moved)


def _now_and_then(
    world: World, shape: tuple[int, ...], share: float, gap: float, generator: np.random.Generator
) -> Floats | float:
    """``gap`` in a share of the form's rounds, and of the control's if they have it, too; one more axis: the sides."""
    if not share:
        return 0.0
    happened = generator.random((*shape, 2)) < share
    if not world.both_sides:
        happened[..., 0] = False
    return np.asarray(np.where(happened, gap, 0.0))
