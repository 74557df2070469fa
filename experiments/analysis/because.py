"""Put into words where the seconds of a form went, and why it differs from the control. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.analysis.why import PARTS, Floor, Why
from experiments.plan.control import beside
from experiments.plan.plan import Design
from experiments.records.phases import PHASES
from experiments.records.reads import Reads
from experiments.wording import TIMES, percent, plural, seconds, size, tasks

NAMES: dict[str, str] = {
    "wire": "on the wire",
    "unpack": "unpacking",
    "mount": "mounting and starting",
    "spans": "waiting for spans",
    "cpu": "on its own CPU work",
    "quota": "waiting for its CPU quota",
    "other": "on anything else",
    "pull": "pulling",
    "unseen": "on what cannot be observed",
}
"""What each part's seconds are spent on, behind a number of seconds."""
WORTH_SAYING = 0.05
"""A difference below this share of the longer start is not said."""
UNSEEN = {
    "fargate": "the lab shows what a start's seconds go into. Fargate shows the pull alone.",
    "sim": "the lab shows what a start's seconds go into. Fargate, simulated here, shows the pull alone.",
    "fake": "Nothing but the pull was made up.",
    "lab": "this sweep was recorded by a version that looked at the pull alone.",
}
"""Why only the pull is known, by target."""


def explanations(found: Sequence[Why], reads: Sequence[Reads], target: str, design: Design) -> tuple[str, ...]:
    """Everything that can be said of a sweep's treatments, in sentences: what the boots read comes first. What a
    changed Dockerfile was measured to give belongs right behind it.
    """
    if found and all(each.cpu_seconds is None for each in found):
        return (*map(reading, reads), UNSEEN.get(target, UNSEEN["lab"]))
    return (*map(reading, reads), *differences(found, design), *floors(found))


def reading(reads: Reads) -> str:
    """What a variant's boot reads, or why that is not known."""
    figures = reads.figures
    if figures is None:
        return f"What {reads.variant}'s boot reads is not known: {reads.reason}"
    share, spans = percent(figures.share), plural(figures.needed_spans, "span")
    unseen = f" ({size(figures.unseen_bytes)} of other layers were not watched)" if figures.unseen_bytes else ""
    needless = percent(figures.needless)
    return (
        f"{reads.variant}: boot reads {share} of the image in {spans}{unseen}; {needless} of what it fetched was not "
        "needed."
    )


def differences(found: Sequence[Why], design: Design) -> Iterator[str]:
    """A sentence for each treatment that was observed beside its control, at the variant's least task count."""
    by_key = {(each.variant, each.form, each.task_count): each for each in found if each.cpu_seconds is not None}
    for variant in dict.fromkeys(each.variant for each in found):
        own = [each for each in by_key.values() if each.variant == variant]
        least = min((each.task_count for each in own), default=0)
        for each in own:
            named = design.control_of(variant, each.form)
            if each.task_count == least and named and (control := by_key.get((*named, least))):
                yield _against(each, control)


def floors(found: Sequence[Why]) -> Iterator[str]:
    """A sentence on the floor of each variant and what is nearest to it, at its least task count."""
    for variant in dict.fromkeys(each.variant for each in found):
        own = [(each, each.floor) for each in found if each.variant == variant and each.floor]
        least = min((each.task_count for each, _ in own), default=0)
        at_least = [row for row in own if row[0].task_count == least]
        if at_least:
            yield _floor(*min(at_least, key=lambda row: row[0].seconds))


def _against(form: Why, control: Why) -> str:
    deltas = {name: form.parts[name] - control.parts[name] for name in PARTS}
    limit = WORTH_SAYING * max(form.seconds, control.seconds)
    less = [_delta(name, -delta, "less") for name, delta in _largest(deltas, -1) if -delta >= limit]
    more = [_delta(name, delta, "more") for name, delta in _largest(deltas, 1) if delta >= limit]
    other = beside((control.variant, control.form), (form.variant, form.form))
    subject = f"{form.variant} with {tasks(form.task_count)}, as {form.form} instead of {other}"
    if not less and not more:
        return f"{subject}: every part takes about as long."
    return f"{subject}: {'; '.join(_listed(each) for each in (less, more) if each)}."


def _largest(deltas: dict[str, float], sign: int) -> list[tuple[str, float]]:
    return sorted(((name, delta) for name, delta in deltas.items() if delta * sign > 0), key=lambda row: -row[1] * sign)


def _delta(name: str, change_seconds: float, word: str) -> str:
    return f"{seconds(change_seconds)} s {word} {NAMES[name]}"


def _floor(best: Why, floor: Floor) -> str:
    cause = "its own CPU time at this quota" if floor.by == "cpu" else "the bytes that it needs at this rate"
    unknown = "" if floor.wire_seconds is not None else ", as far as is known without a trace of what it reads"
    times = "" if best.times_floor is None else f" ({best.times_floor:.1f} {TIMES})"
    return (
        f"{best.variant}: no form {PHASES[best.phase].verb} in less than {seconds(floor.seconds)} s, {cause}{unknown}; "
        f"{best.form}, the nearest, takes {seconds(best.seconds)} s{times}."
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
