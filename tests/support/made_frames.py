"""Data frames of sweeps that never ran, with times chosen by the test: for tests of their analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from experiments.plan.plan import Plan
from experiments.records.columns import COLUMNS
from experiments.records.model import Requests, Round
from experiments.store.frames import ROUND_COLUMNS
from experiments.store.sweeps import Sweep
from tests.contracts.outputs import stack_outputs

MINUTE_NS = 60 * 10**9
_COUNTS = dict.fromkeys(("attempt", "block", "task_count"), "int64")
_FEW = dict.fromkeys(("sweep_id", "variant", "form"), "category")
_TASKS = {
    **_COUNTS,
    **_FEW,
    **dict.fromkeys(("target", "image_digest", "outcome", "reason", "snapshotter", "round_status"), "category"),
    "round": "int64",
    "created_ns": "int64",
    "simulated": "bool",
}
_ROUNDS = {
    **_COUNTS,
    **_FEW,
    **dict.fromkeys(("index", "started_ns", "finished_ns"), "int64"),
    "status": "category",
    "reason": "str",
}


@dataclass(frozen=True)
class Made:
    """A sweep with its frames."""

    sweep: Sweep
    tasks: pd.DataFrame
    rounds: pd.DataFrame


def made(
    plan: Plan,
    boot_seconds: Callable[[Round, int], float],
    *,
    pressure: Callable[[Round], float] = lambda _: 0.0,
    steal: Callable[[Round], float] = lambda _: 0.0,
    ran: Callable[[Round], bool] = lambda _: True,
    status: str = "finished",
) -> Made:
    """A sweep with the rounds for which ``ran`` is true, all complete; its tasks have no phase but the boot."""
    complete = [round_ for round_ in plan.rounds if ran(round_)]
    loads = [{"cpu_pressure": pressure(round_), "steal": steal(round_)} for round_ in complete]
    rounds = [{**_round(round_), **load} for round_, load in zip(complete, loads, strict=True)]
    tasks = [
        {**_task(round_, number), **load, "boot_seconds": boot_seconds(round_, number)}
        for round_, load in zip(complete, loads, strict=True)
        for number in range(round_.task_count)
    ]
    sweep = Sweep(
        id="made",
        created_ns=0,
        stack="lab",
        status=status,
        plan=plan,
        key_metadata={"target": "lab", "profile": "made"},
        outputs=stack_outputs(),
    )
    return Made(sweep, _frame(tasks, COLUMNS, _TASKS), _frame(rounds, ROUND_COLUMNS, _ROUNDS))


def marked(frame: pd.DataFrame, where: pd.Series, **values: object) -> pd.DataFrame:
    """The frame with other values in the rows that are true; each column keeps its type."""
    changed = {name: frame[name].astype("object").mask(where, value) for name, value in values.items()}
    return frame.assign(**changed).astype({name: frame.dtypes[name].name for name in values})


def _round(round_: Round) -> dict[str, object]:
    began_ns = round_.index * MINUTE_NS
    times = {"started_ns": began_ns, "finished_ns": began_ns + MINUTE_NS, "prepare_seconds": 0.0, "clear_seconds": 0.0}
    return {"sweep_id": "made", **round_.model_dump(), "attempt": 1, "status": "complete", "reason": None, **times}


def _task(round_: Round, number: int) -> dict[str, object]:
    place = round_.model_dump(exclude={"index"})
    booted = {"round": round_.index, "attempt": 1, "round_status": "complete", "outcome": "booted", "simulated": False}
    return {
        "sweep_id": "made",
        **place,
        **booted,
        "task_id": f"{round_.index}/{number}",
        "created_ns": round_.index * MINUTE_NS,
    }


def _frame(rows: Iterable[dict[str, object]], columns: Iterable[str], types: Mapping[str, str]) -> pd.DataFrame:
    """A frame with the types of the store's, which a test compares."""
    frame = pd.DataFrame(list(rows), columns=list(columns))
    numbers = [name for name in frame if name.endswith(("_seconds", "_ms")) or name in ("cpu_pressure", "steal")]
    whole = [name for name in frame if name.endswith(("_ns", "_bytes", "_layers")) or name in Requests.model_fields]
    return frame.astype({**dict.fromkeys(numbers, "float64"), **dict.fromkeys(whole, "Int64"), **types})
