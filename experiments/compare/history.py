"""The starts of one image over sweeps and releases: stretches that can be compared, and where they change. Pure.

A sweep gives one value: the mean over its blocks of log(round median), or with a control of log(form ÷ control) in the
same block. The sweep is the unit of observation, never the block: blocks of one day share that day. Where target,
machine, tools, platform, profile or payload differ, a new stretch begins; no change is looked for across that break.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from experiments.analysis.effects import pairs, primary_phases, round_medians
from experiments.analysis.findings import Interval
from experiments.analysis.statistics import changepoint, searched
from experiments.compare import comparable
from experiments.plan.control import Control
from experiments.records.origin import NOT_MEASURED
from experiments.records.phases import COMPARED_PHASES
from infra.oci import names as names_of_images
from kit.errors import SettingsError, SweepError
from kit.values import Frozen

if TYPE_CHECKING:
    from experiments.compare.samples import Recorded
    from infra.outputs import VariantOutput

UNNAMED = "latest"
"""A tag that every release has had, and none keeps."""
_SHORT = 19
"""Letters of a digest in a text: `sha256:` and 12 digits."""


class Point(Frozen):
    """One sweep: its value in seconds (geometric mean over blocks), or as ratio to the control."""

    sweep: str
    created_ns: int
    release: str = Field(description="the name given, the tag, or the digest")
    digest: str = Field(description="of the source image")
    value: float
    blocks: int


class Shift(Frozen):
    """A change of level before ``points[index]`` of its stretch, or as likely from ``earliest`` to ``latest``.

    ``release`` is the nearest new image in that range; without one, the image did not change there.
    """

    index: int
    earliest: int
    latest: int
    sweep: str = Field(description="the first of the new level")
    sweeps: tuple[str, str] = Field(description="those at ``earliest`` and ``latest``")
    release: str
    digest: str
    ratio: float = Field(description="level after ÷ level before, up to the changes next to it")
    interval: Interval = Field(description="of the ratio, given that this change was searched for and found")
    p_value: float = Field(description="permutation of sweeps")
    image_changed: bool = Field(description="a new image came where the change may lie")


class Stretch(Frozen):
    """Sweeps that can be compared, in the order of their start; ``broken_by`` says what the stretch began with."""

    broken_by: str | None
    points: tuple[Point, ...]
    shifts: tuple[Shift, ...]
    missing: int = Field(description="how many more sweeps are needed before a change could be found at all")


class Series(Frozen):
    """One form of the image at one task count, in the phase that its verdict is about."""

    variant: str
    form: str
    task_count: int
    phase: str
    stretches: tuple[Stretch, ...]


class History(Frozen):
    """The history of an image; ``control`` is the form that all are divided by, None: seconds."""

    schema_version: int = 1
    control: str | None
    simulated: bool
    tests: int = Field(description="stretches searched; the level of each test is 5 % ÷ this")
    series: tuple[Series, ...]
    ignored: tuple[str, ...] = ()


Key = tuple[str, str, int]
_Sample = tuple["Recorded", float, int]


def history(
    sides: Iterable[Recorded], image: str, control: str | None, names: Mapping[str, str] | None = None
) -> History:
    """Return the history of a variant, or of the images whose reference contains ``image``.

    ``names``: release by the beginning of a digest. Raises `SweepError` if no finished sweep measured it, and
    `SettingsError` if simulated sweeps are mixed with measured ones.
    """
    finished, ignored = _finished(sides)
    found = [(side, variant) for side in finished for variant in _variants(side, image)]
    if not found:
        known = sorted({name for side in finished for name in side.sweep.plan.design.variants})
        raise SweepError(f"No finished sweep measured {image!r}. Measured: {', '.join(known) or 'nothing'}.")
    simulated = {side.sweep.key_metadata.get("target") in NOT_MEASURED for side, _ in found}
    if len(simulated) > 1:
        raise SettingsError("Simulated and measured sweeps are no history. Give stores that hold one kind.")
    phase_of = primary_phases(
        (variant, phase)
        for side, variant in found
        for phase in COMPARED_PHASES
        if side.tasks.loc[side.tasks["variant"] == variant, f"{phase}_seconds"].notna().any()
    )
    samples: dict[Key, list[_Sample]] = defaultdict(list)
    for side, variant in found:
        for form, count, value, blocks in _values(side, variant, phase_of[variant], control):
            samples[variant, form, count].append((side, value, blocks))
    if not samples:
        raise SweepError(f"No block measured {image!r} beside its control {control!r}. Leave out --control.")
    cut = {key: list(_cut(values)) for key, values in samples.items()}
    long = changepoint.least_values()
    tests = max(1, sum(len(part) >= long for parts in cut.values() for _, part in parts))
    return History(
        control=control,
        simulated=simulated == {True},
        tests=tests,
        series=tuple(
            Series(
                variant=key[0],
                form=key[1],
                task_count=key[2],
                phase=phase_of[key[0]],
                stretches=tuple(_stretch(why, part, key[0], names or {}, tests) for why, part in parts),
            )
            for key, parts in cut.items()
        ),
        ignored=ignored,
    )


def _finished(sides: Iterable[Recorded]) -> tuple[list[Recorded], tuple[str, ...]]:
    """Each finished sweep once, oldest first: two stores may hold copies of one."""
    once = sorted({side.sweep.id: side for side in sides}.values(), key=lambda side: side.sweep.created_ns)
    left = tuple(f"Sweep {side.sweep.id} is {side.sweep.status}." for side in once if side.sweep.status != "finished")
    return [side for side in once if side.sweep.status == "finished"], left


def _variants(side: Recorded, image: str) -> list[str]:
    planned = [name for name in side.sweep.plan.design.variants if name in side.sweep.outputs.variants]
    return [name for name in planned if name == image] or [
        name for name in planned if "/" in image and _is_of(side.sweep.outputs.variants[name], image)
    ]


def _is_of(variant: VariantOutput, image: str) -> bool:
    return any(image in place for place in (variant.reference, variant.source_image) if place)


def _values(side: Recorded, variant: str, phase: str, control: str | None) -> Iterable[tuple[str, int, float, int]]:
    medians = round_medians(side.tasks[side.tasks["variant"] == variant])
    if control is not None:
        for pair in pairs(side.sweep.plan.design, medians, Control(form=control)):
            if pair.phase == phase and len(pair.seconds):
                yield pair.form, pair.task_count, float(pair.differences.mean()), len(pair.seconds)
        return
    for (form, count), rounds in medians.groupby(["form", "task_count"], observed=True):
        seconds = rounds[f"{phase}_seconds"].to_numpy(dtype=float)
        if len(seconds := seconds[seconds > 0]):
            yield str(form), int(count), float(np.log(seconds).mean()), len(seconds)


def _cut(samples: Sequence[_Sample]) -> Iterable[tuple[str | None, list[_Sample]]]:
    """Cut where anything but the image changed from one sweep to the next."""
    breaks: list[str | None] = [None]
    numbers = [0]
    for (before, *_), (after, *_) in pairwise(samples):
        differing = comparable.aspects(before.sweep, after.sweep)
        differing.pop("image", None)
        if differing:
            breaks.append("; ".join(line for lines in differing.values() for line in lines))
        numbers.append(len(breaks) - 1)
    for number, group in groupby(zip(numbers, samples, strict=True), key=lambda pair: pair[0]):
        yield breaks[number], [sample for _, sample in group]


def _stretch(why: str | None, part: Sequence[_Sample], variant: str, names: Mapping[str, str], tests: int) -> Stretch:
    values = np.array([value for _, value, _ in part])
    points = tuple(_point(side, value, blocks, variant, names) for side, value, blocks in part)
    found = changepoint.splits(values, changepoint.LEVEL / tests, changepoint.DRAWS * tests)
    edges = [0, *(split.index for split in found), len(values)]
    shifts = (
        _shift(points, start, split, searched.found(values[start:end], split.index - start, split.level))
        for split, start, end in zip(found, edges, edges[2:], strict=False)
    )
    missing = max(0, changepoint.least_values(changepoint.LEVEL / tests) - len(points))
    return Stretch(broken_by=why, points=points, shifts=tuple(shifts), missing=missing)


def _shift(points: Sequence[Point], start: int, split: changepoint.Split, found: searched.Found) -> Shift:
    earliest, latest = start + found.earliest, start + found.latest
    likely = sorted(range(earliest, latest + 1), key=lambda index: abs(index - split.index))
    new_images = [index for index in likely if points[index - 1].digest != points[index].digest]
    point = points[new_images[0] if new_images else split.index]
    low, high = np.exp((found.low, found.high))
    return Shift(
        index=split.index,
        earliest=earliest,
        latest=latest,
        sweep=points[split.index].sweep,
        sweeps=(points[earliest].sweep, points[latest].sweep),
        release=point.release,
        digest=point.digest,
        ratio=float(np.exp(found.size)),
        interval=Interval(low=low, high=high, level=1 - searched.ERROR),
        p_value=split.p_value,
        image_changed=bool(new_images),
    )


def _point(side: Recorded, value: float, blocks: int, variant: str, names: Mapping[str, str]) -> Point:
    output = side.sweep.outputs.variants[variant]
    return Point(
        sweep=side.sweep.id,
        created_ns=side.sweep.created_ns,
        release=_release(output, names),
        digest=output.source_image.rpartition("@")[2],
        value=float(np.exp(value)),
        blocks=blocks,
    )


def _release(output: VariantOutput, names: Mapping[str, str]) -> str:
    """The name given for a digest, the tag by which the user named the image, or the digest.

    A digest may be that of the image itself, or that of the index of several platforms which the user named.
    """
    references = [each for each in (output.source_image, output.reference) if each]
    digests = [each.rpartition("@")[2] for each in references if "@" in each]
    for start, name in names.items():
        if any(digest.startswith(start) for digest in digests):
            return name
    tags = (tag for tag in map(_tag, references) if tag and tag != UNNAMED)
    return next(tags, digests[0][:_SHORT])


def _tag(reference: str) -> str:
    """The tag in a reference, wherever the image lies; empty without one."""
    try:
        name = names_of_images.parse(reference)
    except SettingsError:  # as simulated or older stacks may name an image
        return ""
    if name.transport == "docker-daemon":
        return "" if "sha256:" in name.place else name.place.rpartition(":")[2]
    return (name.tag or "").rpartition(":")[2]
