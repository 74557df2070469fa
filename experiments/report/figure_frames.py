"""A report's figures as data frames and CSV: effects, effects over all task counts, the slowest tasks. Pure.

For notebooks and other programs; `figure_columns` describes each column. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.findings import Analysis, Interval, Saving
from experiments.records import figure_columns
from experiments.records.columns import Column

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, object]


def effects(analysis: Analysis) -> pd.DataFrame:
    """One row per comparison; columns of `figure_columns.EFFECTS`."""
    return _frame(analysis, _effects(analysis), figure_columns.EFFECTS)


def over_counts(analysis: Analysis) -> pd.DataFrame:
    """One row per form of each variant; columns of `figure_columns.OVER_COUNTS`."""
    rows = (
        {
            **each.model_dump(exclude={"task_counts", "interval", "lost_blocks"}),
            "task_counts": ", ".join(map(str, each.task_counts)),
            **_ends("ratio", each.interval),
        }
        for each in analysis.pooled
    )
    return _frame(analysis, rows, figure_columns.OVER_COUNTS)


def tails(analysis: Analysis) -> pd.DataFrame:
    """One row per treatment and kind of tail; columns of `figure_columns.TAILS`."""
    rows = (
        {
            **each.model_dump(exclude={"seconds", "interval", "ratio_interval", "against"}),
            "tail_seconds": each.seconds,
            **_ends("tail", each.interval, "_seconds"),
            **_ends("ratio", each.ratio_interval),
        }
        for each in analysis.tails
    )
    return _frame(analysis, rows, figure_columns.TAILS)


FIGURE_FORMATS: Mapping[str, Callable[[Analysis], pd.DataFrame]] = {
    "effects-csv": effects,
    "over-counts-csv": over_counts,
    "tails-csv": tails,
}


def to_csv(analysis: Analysis, format_: str, *, variant: str | None, form: str | None) -> str:
    """The figures as CSV; ``variant`` and ``form`` select rows."""
    frame = FIGURE_FORMATS[format_](analysis)
    for name, selected in (("variant", variant), ("form", form)):
        frame = frame if selected is None else frame[frame[name] == selected]
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def _effects(analysis: Analysis) -> Iterator[Row]:
    savings = {_place(each): each for each in (analysis.bill.savings if analysis.bill else ())}
    for each in (*analysis.comparisons, *analysis.as_deployed):
        saving = None if each.as_deployed else savings.get((each.variant, each.form, each.task_count, each.phase))
        yield {
            **each.model_dump(
                include={column.name for column in figure_columns.EFFECTS} - {"form_seconds", "saved_seconds"}
            ),
            "form_seconds": each.seconds,
            "saved_seconds": each.saved_seconds,
            **_ends("ratio", each.interval),
            **_ends("saved", each.saved_interval, "_seconds"),
            **({} if saving is None else _saved(saving)),
        }


def _place(saving: Saving) -> tuple[str, str, int, str]:
    return saving.variant, saving.form, saving.task_count, saving.phase


def _saved(saving: Saving) -> Row:
    return {
        "billed_saved_seconds": saving.seconds,
        **_ends("billed_saved", saving.interval, "_seconds"),
        "usd_saved": saving.usd,
        **_ends("usd_saved", saving.usd_interval),
    }


def _ends(name: str, of: Interval | None, suffix: str = "") -> Row:
    return {} if of is None else {f"{name}_low{suffix}": of.low, f"{name}_high{suffix}": of.high}


def _frame(analysis: Analysis, rows: Iterator[Row], described: Sequence[Column]) -> pd.DataFrame:
    import pandas as pd

    types = {"integer": "int64", "number": "float64", "boolean": "bool", "text": "object"}
    named = ({"sweep_id": analysis.sweep_id, "simulated": analysis.simulated, **row} for row in rows)
    frame = pd.DataFrame(list(named), columns=[column.name for column in described])
    return frame.astype({column.name: types[column.type] for column in described})
