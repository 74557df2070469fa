"""The headline of a report: what to do about each image, in a sentence that its owner can act on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.analysis.booted import all_tasks, of_tasks
from experiments.analysis.cells import Cell
from experiments.analysis.deciding import lasting, likely
from experiments.analysis.failures import control_key
from experiments.analysis.findings import Comparison, Pooled
from experiments.analysis.pooled import over_counts
from experiments.analysis.sentences import share
from experiments.analysis.shares import total
from experiments.analysis.statistics.paired import LEAST_BLOCKS
from experiments.plan.plan import Design
from experiments.records.phases import PHASES
from experiments.wording import about, percent, plural, tasks

MOST_VARIANTS = 4
"""Images that a headline names; the tables have the others."""
MOST_FORMS = 3
"""Forms of an image that it names: the best first, and those without an interval last."""


def headline(
    comparisons: Sequence[Comparison],
    cells: Sequence[Cell],
    primary_phases: Mapping[str, str],
    design: Design,
    block_seconds: float | None = None,
    pooled: Sequence[Pooled] = (),
) -> str:
    """Return a sentence per image on its forms at the smallest task count, in its primary phase.

    ``block_seconds`` is what a block took: it tells how long a sweep would be that decides what this one could not.
    ``pooled`` are the effects over all task counts.
    """
    primary = [each for each in comparisons if each.phase == primary_phases[each.variant]]
    said = [
        sentence
        for variant in design.variants
        if (sentence := _of_variant(variant, primary, cells, design, block_seconds, pooled))
    ]
    if not said:
        return _nothing_to_say(design, cells)
    more = len(said) - MOST_VARIANTS
    sentences = [*said[:MOST_VARIANTS], *([f"{plural(more, 'more image')} below"] if more > 0 else [])]
    return " ".join(f"{sentence}." for sentence in (*sentences, *_certainty(primary, len(comparisons), cells)))


def _of_variant(
    variant: str,
    primary: Sequence[Comparison],
    cells: Sequence[Cell],
    design: Design,
    block_seconds: float | None,
    pooled: Sequence[Pooled],
) -> str:
    failing = {cell.form: cell for cell in cells if cell.variant == variant and cell.boots_less}
    own = [each for each in primary if each.variant == variant and each.form not in failing]
    every = sorted(_leading(own), key=lambda each: (each.verdict != "faster", each.interval is None, each.ratio))
    leading, more = every[:MOST_FORMS], len(every) - MOST_FORMS
    clauses = [_clause(each, own, design, block_seconds) for each in leading]
    avoided = [_avoid(cell, cells, design) for cell in failing.values()]
    avoided += [f"{plural(more, 'more form')} below"] if more > 0 else []
    control = design.against
    if control.variant not in (None, variant):
        said = [_with_form(each, clause, design) for each, clause in zip(leading, clauses, strict=True)]
        return f"{variant} against {control}: {'; '.join([*said, *avoided])}" if said or avoided else ""
    if leading and _is_good(leading[0], own):
        use = f"Use {leading[0].form} for {variant}: it {clauses[0]}{_over_counts(leading[0], own, pooled)}"
        others = [_of_form(each, clause) for each, clause in zip(leading[1:], clauses[1:], strict=True)]
    elif every and all(each.verdict in ("slower", "no-difference") for each in every):
        use = f"Keep {control.form} for {variant}"
        others = [_of_form(each, clause) for each, clause in zip(leading, clauses, strict=True)]
    elif len(leading) == 1 and not failing:
        return f"{variant}{_form(leading[0], design)}: {clauses[0]}"
    else:
        use, others = variant, [_of_form(each, clause) for each, clause in zip(leading, clauses, strict=True)]
    if not leading and not avoided:
        return ""
    if not leading:
        return f"Keep {control.form} for {variant}: {'; '.join(avoided)}"
    return "; ".join([use if use.startswith("Use") else f"{use}: {others.pop(0)}", *others, *avoided])


def _over_counts(leading: Comparison, own: Sequence[Comparison], pooled: Sequence[Pooled]) -> str:
    """The gain at the plan's other task counts, as far as they agree."""
    effect = next((each for each in pooled if (each.variant, each.form) == (leading.variant, leading.form)), None)
    others = [each for each in own if each.form == leading.form and each.task_count != leading.task_count]
    return over_counts(effect, others) if others else ""


def _leading(own: Sequence[Comparison]) -> list[Comparison]:
    leading: dict[str, Comparison] = {}
    for comparison in sorted(own, key=lambda each: each.task_count):
        leading.setdefault(comparison.form, comparison)
    return list(leading.values())


def _is_good(comparison: Comparison, own: Sequence[Comparison]) -> bool:
    """Faster, and at no other task count slower."""
    return comparison.verdict == "faster" and not _slower_elsewhere(comparison, own)


def _slower_elsewhere(comparison: Comparison, own: Sequence[Comparison]) -> list[Comparison]:
    return [
        each
        for each in own
        if each.form == comparison.form and each.verdict == "slower" and each.task_count != comparison.task_count
    ]


def _form(comparison: Comparison, design: Design) -> str:
    """The form, where the sentence has not named it and there are others."""
    return f" as {comparison.form}" if len(design.forms) > 2 or comparison.taken_alone else ""


def _of_form(comparison: Comparison, clause: str) -> str:
    """A part of a sentence that is about the image already."""
    if clause.startswith("there is"):
        return f"with {comparison.form} {clause}"
    return f"as {comparison.form} {clause}" if clause.startswith("cannot") else f"{comparison.form} {clause}"


def _with_form(comparison: Comparison, clause: str, design: Design) -> str:
    return f"as {comparison.form} {clause}" if len(design.forms) > 1 else clause


def _clause(comparison: Comparison, own: Sequence[Comparison], design: Design, block_seconds: float | None) -> str:
    """What a form does, without naming it."""
    count = f" with {tasks(comparison.task_count)}" if len(design.task_counts) > 1 else ""
    verb = PHASES[comparison.phase].verb
    if comparison.verdict == "undecided" and (comparison.lost_blocks or comparison.control_lost_blocks):
        return f"cannot tell{count}, because too many tasks did not boot{_whose(comparison)}"
    if comparison.interval is None:
        return f"cannot tell from {plural(comparison.blocks, 'block')}{count}; it takes at least {LEAST_BLOCKS}"
    match comparison.verdict:
        case "faster" | "slower":
            later = _slower_elsewhere(comparison, own) if comparison.verdict == "faster" else []
            but = "".join(f", but {_by_how_much(each)} with {tasks(each.task_count)}" for each in later[:1])
            return f"{verb} {_by_how_much(comparison)}{count}{but}"
        case "no-difference":
            return f"there is no difference above {percent(comparison.margin or 0)}{count}"
        case "undecided":
            if comparison.taken_alone:
                return f"probably {verb} {_by_how_much(comparison)}{count}{_more(comparison, block_seconds)}"
            return f"cannot tell yet{count}{_more(comparison, block_seconds)}"


def _whose(comparison: Comparison) -> str:
    sides = ((comparison.lost_blocks, comparison.form), (comparison.control_lost_blocks, comparison.against))
    return f" as {' and '.join(form for lost, form in sides if lost)}"


def _by_how_much(comparison: Comparison) -> str:
    gained = comparison.control_seconds - comparison.seconds
    return f"{about(abs(gained))} s {'sooner' if gained > 0 else 'later'} ({percent(abs(1 - comparison.ratio))})"


def _more(comparison: Comparison, block_seconds: float | None) -> str:
    """How large a sweep would decide it."""
    if comparison.blocks_to_decide is None:
        return "; it scatters too much for any sweep to tell"
    blocks = comparison.blocks_to_decide_range or (comparison.blocks_to_decide,) * 2
    time = f" ({lasting(*blocks, block_seconds)})" if block_seconds else ""
    return f"; a sweep of {likely(*blocks)} blocks{time} should tell"


def _avoid(failing: Cell, cells: Sequence[Cell], design: Design) -> str:
    controls = [cell for cell in cells if cell.key == control_key(design, failing.key)]
    word = "of" if design.against.variant not in (None, failing.variant) else "as"
    against = f", {word} {design.against} {share(controls[0].booted)}" if controls else ""
    booted = "" if failing.booted is None else of_tasks(failing.booted)
    return f"as {failing.form} only {booted} booted as promised{against}"


def _certainty(primary: Sequence[Comparison], compared: int, cells: Sequence[Cell]) -> list[str]:
    """How many tasks booted, and what "probably" leaves open."""
    said = []
    alone = [each.interval.level for each in _leading(primary) if each.taken_alone and each.interval]
    if alone:
        said.append(_by_chance(alone[0], compared))
    if (booted := all_tasks(cells)) is not None:
        said.append(booted)
    return said


def _by_chance(level: float, compared: int) -> str:
    """What "probably" is worth among so many comparisons."""
    if (expected := (1 - level) * compared) >= 1:
        return f"By chance alone, about {round(expected)} of {compared:,} comparisons would look probable"
    return f"By chance alone, up to {percent(1 - level**compared)} of such sweeps would call something probable"


def _nothing_to_say(design: Design, cells: Sequence[Cell]) -> str:
    if (booted := total(cells)) is not None and not booted.booted:
        return f"No task booted, so nothing can be compared. {all_tasks(cells)}."
    if design.against.form not in (None, *design.forms):
        return f"Nothing can be compared: the plan has no {design.against.form!r} form."
    if not any(design.control_of(*treatment) for treatment in design.treatments):
        return f"Nothing can be compared: the plan has no form but {design.against.form!r}."
    return "Nothing can be concluded: no block measured both a treatment and its control."
