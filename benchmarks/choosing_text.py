"""The text of `docs/choosing.md`, from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks import grid
from benchmarks.points import Point
from experiments.analysis.findings import Comparison

FORMS = ("zstd", "soci-v2", "soci-v2-exact", "soci-v2-layout")


def text(points: Sequence[Point], machine: dict[str, str]) -> str:
    """The whole page."""
    days = sorted({point.date for point in points})
    return (
        HEAD
        + "\n".join(table(points))
        + "\n"
        + TAIL.format(
            days=" to ".join(dict.fromkeys((days[0], days[-1]))),
            cpus=machine["machine.cpus"],
            cpu=machine["machine.cpu"],
        )
    )


def table(points: Sequence[Point]) -> Iterator[str]:
    """One row per point; the fastest form in bold."""
    yield "| Point | plain | " + " | ".join(f"{form} ÷ plain" for form in FORMS) + " |"
    yield "|---|---|" + "---|" * len(FORMS)
    for label, point in grid.found(points):
        best = min(point.forms, key=lambda form: point.median_seconds(form) or float("inf"))
        cells = [f"{point.median_seconds('plain'):.1f} s", *(_cell(point.ratio(form, "plain")) for form in FORMS)]
        names = ("plain", *FORMS)
        yield (
            f"| {label} | "
            + " | ".join(
                f"**{cell}**" if name == best and cell else cell for name, cell in zip(names, cells, strict=True)
            )
            + " |"
        )


def _cell(ratio: Comparison | None) -> str:
    if ratio is None:
        return ""
    interval = ratio.interval
    return f"{ratio.ratio:.2f}" + (f" ({interval.low:.2f} to {interval.high:.2f})" if interval else "")


HEAD = """# Which form to choose

"""
TAIL = """
Measured {days} on {cpus} cores ({cpu}).
"""
