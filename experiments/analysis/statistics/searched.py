"""Size and place of a change that was found by searching for it, with ranges that allow for the search. Pure.

A change is reported where it looks largest, and only if it looks large. Student's interval knows nothing of that: of
those that are reported, small changes look too large and their intervals hold the truth in 40 to 70 % of cases. So the
search is simulated: series of normal values that do change by a given size at a given place are searched in the same
way, and those where nothing is found are dropped. Sizes and places that agree with what was seen form the range:
inference conditional on selection (Fithian, Sun, Taylor, Optimal Inference After Model Selection, arXiv:1410.2597),
by a parametric bootstrap (Davison, Hinkley, Bootstrap Methods and their Application, 1997, chapter 5); for the place
the likelihood ratio of Siegmund (Confidence sets in change-point problems, Int. Stat. Review 56, 1988).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.statistics.changepoint import LEAST_SIDE, LEVEL, gains
from experiments.analysis.statistics.paired import Floats
from kit.values import Frozen

_Places = NDArray[np.intp]
ERROR = 0.05
_FOUND_BY_CHANCE = 100
"""Draws that are kept even where nothing changes, which is where most are dropped."""
_STEPS = 12
"""Halvings of the distance within which an end lies: to 1/4000 of it."""
_BEYOND = 20.0
"""Twice the logarithm of a likelihood ratio that no place within the range reaches: it need not be simulated."""
_LEAST_SPREAD = 1e-6
"""Of a change's size: sums of squares that are subtracted from each other do not show less."""
_SEED = 20_310


class Found(Frozen):
    """A change of ``size``, or ``low`` to ``high``, before the value at ``index``, or ``earliest`` to ``latest``.

    Sizes are differences of means; places count from the first value.
    """

    size: float
    low: float
    high: float
    index: int
    earliest: int
    latest: int


def found(values: Floats, index: int, level: float = LEVEL) -> Found:
    """Describe the change before ``values[index]`` that a test at ``level`` found. Ranges hold the truth in 95 %."""
    count = len(values)
    size = float(values[index:].mean() - values[:index].mean())
    spread = _spread(values, index)
    if spread <= _LEAST_SPREAD * abs(size):
        return Found(size=size, low=size, high=size, index=index, earliest=index, latest=index)
    error = spread * (count / (index * (count - index))) ** 0.5
    noise = np.random.default_rng(_SEED).normal(size=(round(_FOUND_BY_CHANCE / level), count))
    least = float(np.quantile(_explained(noise), 1 - level))

    def agrees(supposed: float) -> bool:
        rest = values - supposed * _step(count, index)
        drawn = _those_found(noise * rest.std(ddof=1) + supposed * _step(count, index), least)
        if not len(drawn):
            return False
        sizes, errors = _estimates(drawn)
        ratios, seen = (sizes - supposed) / errors, (size - supposed) / error
        return bool(2 * min((ratios <= seen).mean(), (ratios >= seen).mean()) > ERROR)

    places = [place for place in range(LEAST_SIDE, count - LEAST_SIDE + 1) if _likely(values, place, noise, least)]
    return Found(
        size=size,
        low=_end(agrees, size, -error),
        high=_end(agrees, size, error),
        index=index,
        earliest=min([*places, index]),
        latest=max([*places, index]),
    )


def _end(agrees: Callable[[float], bool], size: float, far: float) -> float:
    """Where sizes no longer agree, in the direction of ``far``."""
    near = 0.0
    while agrees(size + far):
        near, far = far, 2 * far
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (middle, far) if agrees(size + middle) else (near, middle)
    return size + far


def _likely(values: Floats, place: int, noise: Floats, least: float) -> bool:
    seen = _rest(values, place) / (_total(values) - gains(values).max())
    if len(values) * np.log(seen) > _BEYOND:
        return False
    size = values[place:].mean() - values[:place].mean()
    drawn = _those_found(noise * _spread(values, place) + size * _step(len(values), place), least)
    if not len(drawn):
        return False
    ratios = _rest(drawn, place) / (_total(drawn) - gains(drawn).max(axis=1))
    return bool((ratios >= seen).mean() > ERROR)


def _those_found(drawn: Floats, least: float) -> Floats:
    return np.asarray(drawn[_explained(drawn) >= least])


def _estimates(drawn: Floats) -> tuple[Floats, Floats]:
    """Size of the best split of each series, and its standard error by the spread around its two levels."""
    count = drawn.shape[1]
    gained = gains(drawn)
    before: _Places = np.asarray(gained.argmax(axis=1) + LEAST_SIDE)
    sums: Floats = np.cumsum(drawn, axis=1)
    first: Floats = sums[np.arange(len(drawn)), before - 1]
    sizes: Floats = (sums[:, -1] - first) / (count - before) - first / before
    variances = (_total(drawn) - gained.max(axis=1)) / (count - 2)
    return sizes, np.sqrt(variances * count / (before * (count - before)))


def _explained(drawn: Floats) -> Floats:
    """The share of the sum of squares that the best split removes."""
    return np.asarray(gains(drawn).max(axis=1) / _total(drawn))


def _spread(values: Floats, place: int) -> float:
    return float(np.sqrt(np.maximum(_rest(values, place), 0.0) / (len(values) - 2)))


def _rest(values: Floats, place: int) -> Floats:
    return np.asarray(_total(values) - gains(values)[..., place - LEAST_SIDE])


def _total(values: Floats) -> Floats:
    return np.asarray(((values - values.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1))


def _step(count: int, place: int) -> Floats:
    return np.asarray(np.arange(count) >= place, dtype=float)
