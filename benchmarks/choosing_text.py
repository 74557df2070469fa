"""The text of `docs/choosing.md`, from what was measured. Pure.

The rules of the decision table, and the words around the tables (`choosing_page.md`), are a person's, made from the
measurements; each rule shows the ratios that it rests on, computed from the rounds. Who measures again reads whether it
still stands.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

from benchmarks import grid
from benchmarks.points import Point
from experiments.analysis.findings import Comparison

FORMS = ("zstd", "soci-v2", "soci-v2-exact", "soci-v2-layout")
NOT_MEASURED = "not measured"
PAGE = Path(__file__).with_name("choosing_page.md")


def text(points: Sequence[Point], machine: dict[str, str]) -> str:
    """The whole page."""
    found = dict(grid.found(points))
    days = sorted({point.date for point in found.values()})
    rounds = sum(len(point.rows) for point in found.values())
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        rules="\n".join(rules(found)),
        table="\n".join(table(found)),
        images="\n".join(images(found)),
        halves="\n".join(halves(found)),
        day=" to ".join(dict.fromkeys((days[0], days[-1]))),
        cpus=machine["machine.cpus"],
        cpu=machine["machine.cpu"],
        rounds=rounds,
        missing="; ".join(missing(found)) or "nothing of the grid",
        points=len(found),
        blocks=grid.BLOCKS,
    )


def rules(found: Mapping[str, Point]) -> Iterator[str]:
    """The decision table: each row's evidence is computed."""
    yield "| If … | use | Measured |"
    yield "|---|---|---|"
    for when, form, evidence in RULES:
        cells = (f"{label}: {ratio(found.get(at), numerator, control)}" for label, at, numerator, control in evidence)
        yield f"| {when} | {form} | {'; '.join(cells)} |"


def table(found: Mapping[str, Point]) -> Iterator[str]:
    """One row per point; in bold what was fastest, with all that cannot be told from it."""
    yield "| Point | plain | " + " | ".join(f"{form} ÷ plain" for form in FORMS) + " |"
    yield "|---|---|" + "---|" * len(FORMS)
    for label, point in found.items():
        cells = {"plain": f"{point.median_seconds('plain'):.1f} s"}
        cells |= {form: ratio(point, form, "plain") for form in FORMS if form in point.forms}
        shown = (_bold(cells.get(form, ""), form in point.fastest) for form in ("plain", *FORMS))
        yield f"| {label} | {' | '.join(shown)} |"


def images(found: Mapping[str, Point]) -> Iterator[str]:
    """What the web applications are, and how the forms compare with default SOCI there."""
    columns = ("Image", "MB, as gzip", "files", "boot reads", "vCPU", "exact ÷ soci-v2", "layout ÷ soci-v2")
    yield f"| {' | '.join(columns)} | MB on the wire: plain, soci-v2, layout |"
    yield "|---|---|---|---|---|---|---|---|"
    for label, point in found.items():
        name, _, vcpu = label.partition(", ")
        if name in grid.WEB_IMAGES:
            facts = point.image
            wire = (f"{point.median_megabytes(form):.0f}" for form in ("plain", "soci-v2", "soci-v2-layout"))
            yield (
                f"| `{name}` | {facts.megabytes:,.0f}, {facts.packed_megabytes:.0f} | {facts.files:,} | "
                f"{facts.read_share:.0%} | {vcpu.removesuffix(' vCPU')} | {ratio(point, 'soci-v2-exact', 'soci-v2')} | "
                f"{ratio(point, 'soci-v2-layout', 'soci-v2')} | {', '.join(wire)} |"
            )


def halves(found: Mapping[str, Point]) -> Iterator[str]:
    """What lists of spans cost in the pull and save behind it, with much and with little CPU."""
    lazy = [form for form in FORMS if form.startswith("soci")]
    yield "| Point | " + " | ".join(lazy) + " |"
    yield "|---|" + "---|" * len(lazy)
    for label in PULLS:
        if label in found:
            point = found[label]
            cells = (f"{_pull(point, form):.1f} + {_behind(point, form):.1f} s" for form in lazy)
            yield f"| {label} | {' | '.join(cells)} |"


def _pull(point: Point, form: str) -> float:
    return statistics.median(row.pull_seconds for row in point.rows if row.form == form)


def _behind(point: Point, form: str) -> float:
    return statistics.median(row.ready_seconds - row.pull_seconds for row in point.rows if row.form == form)


def missing(found: Mapping[str, Point]) -> Iterator[str]:
    """The points that were to be measured and are not in the data."""
    web = (f"{image}, {vcpu}" for image in grid.WEB_IMAGES for vcpu in grid.WEB_PROFILES)
    yield from (label for label in (*web, *grid.labels()) if label not in found)


def ratio(point: Point | None, form: str, control: str) -> str:
    """A ratio with its interval; says so where it was not measured."""
    found: Comparison | None = point.ratio(form, control) if point else None
    if found is None:
        return NOT_MEASURED
    interval = found.interval
    return f"{found.ratio:.2f}" + (f" ({interval.low:.2f} to {interval.high:.2f})" if interval else "")


def _bold(cell: str, wanted: bool) -> str:
    return f"**{cell}**" if wanted and cell else cell


Evidence = tuple[tuple[str, str, str, str], ...]
"""What it is called in the cell, the point's label, the form, and what it is divided by."""
_BASE = f"base: {grid.BASE.level}"
PULLS = (_BASE, "vCPU: 0.25", "python-web, 1 vCPU", "python-web, 0.25 vCPU", "node-web, 1 vCPU", "node-web, 0.25 vCPU")
"""Points that show what the lists cost and save."""
RULES: tuple[tuple[str, str, Evidence], ...] = (
    (
        "the image may get a new digest, and tasks have 1 vCPU or more",
        "`soci-v2-layout`",
        (
            ("`python-web` ÷ soci-v2", "python-web, 1 vCPU", "soci-v2-layout", "soci-v2"),
            ("`node-web` ÷ soci-v2", "node-web, 1 vCPU", "soci-v2-layout", "soci-v2"),
            ("600 MB ÷ soci-v2", "image size: 600 MB", "soci-v2-layout", "soci-v2"),
        ),
    ),
    (
        "the layers must stay as they are (signatures, shared bases), 1 vCPU or more",
        "`soci-v2-exact`",
        (
            ("`python-web` ÷ soci-v2", "python-web, 1 vCPU", "soci-v2-exact", "soci-v2"),
            ("`node-web` ÷ soci-v2", "node-web, 1 vCPU", "soci-v2-exact", "soci-v2"),
            ("base ÷ soci-v2", _BASE, "soci-v2-exact", "soci-v2"),
        ),
    ),
    (
        "nobody can trace the image",
        "`soci-v2`",
        (
            ("base ÷ plain", _BASE, "soci-v2", "plain"),
            ("100 MB ÷ plain", "image size: 100 MB", "soci-v2", "plain"),
            ("`node-web` ÷ plain", "node-web, 1 vCPU", "soci-v2", "plain"),
        ),
    ),
    (
        "the registry is far away (20 ms)",
        "`soci-v2-exact`",
        (
            ("exact ÷ soci-v2", "delay: 20 ms", "soci-v2-exact", "soci-v2"),
            ("soci-v2 ÷ plain", "delay: 20 ms", "soci-v2", "plain"),
        ),
    ),
    (
        "the link is slow (200 Mbit/s)",
        "`soci-v2`: the list of spans is fetched before the boot begins, and that takes long here",
        (
            ("exact ÷ soci-v2", "rate: 200 Mbit/s", "soci-v2-exact", "soci-v2"),
            ("soci-v2 ÷ plain", "rate: 200 Mbit/s", "soci-v2", "plain"),
        ),
    ),
    (
        "tasks have 0.25 vCPU: the boot's own computing takes most of the time",
        "`soci-v2`, or `soci-v2-layout` for an image as large as `python-web`: see below",
        (
            ("`python-web` layout ÷ soci-v2", "python-web, 0.25 vCPU", "soci-v2-layout", "soci-v2"),
            ("`python-web` exact ÷ soci-v2", "python-web, 0.25 vCPU", "soci-v2-exact", "soci-v2"),
            ("300 MB layout ÷ soci-v2", "vCPU: 0.25", "soci-v2-layout", "soci-v2"),
            ("300 MB exact ÷ soci-v2", "vCPU: 0.25", "soci-v2-exact", "soci-v2"),
        ),
    ),
    (
        "boot reads nearly everything",
        "`soci-v2-exact`",
        (
            ("exact ÷ plain", "share read at boot: 100 %", "soci-v2-exact", "plain"),
            ("soci-v2 ÷ plain", "share read at boot: 100 %", "soci-v2", "plain"),
        ),
    ),
    (
        "boot reads next to nothing",
        "`soci-v2`: a trace gains little more",
        (
            ("soci-v2 ÷ plain", "share read at boot: 2 %", "soci-v2", "plain"),
            ("exact ÷ soci-v2", "share read at boot: 2 %", "soci-v2-exact", "soci-v2"),
        ),
    ),
    (
        "lazy loading is not to be had",
        "`plain` or `zstd`: three blocks could not tell them apart",
        (
            ("zstd ÷ plain, base", _BASE, "zstd", "plain"),
            ("600 MB", "image size: 600 MB", "zstd", "plain"),
            ("100 MB", "image size: 100 MB", "zstd", "plain"),
        ),
    ),
)
