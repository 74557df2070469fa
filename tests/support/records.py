"""Stores with very many records, written in bulk: what a sweep would take days to make."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np

from sociometer.experiments.plan import make_plan
from sociometer.experiments.schema import Sweep
from sociometer.experiments.store import Store
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_design

FORMS = ("plain", "soci-v2")
VARIANTS = ("movie", "parquet")
_EPOCH_NS = 1_700_000_000_000_000_000
_PULL = {"plain": 6.6, "soci-v2": 0.3}
_WORK = {"movie": 15.0, "parquet": 2.4}
_TASK = (
    "INSERT INTO tasks (round_id, task_id, image_digest, outcome, snapshotter, created_ns, connected_ns,"
    " pull_started_ns, pull_stopped_ns, started_ns, ready_ns, boot_started_ns, boot_finished_ns)"
    " VALUES (?, ?, ?, 'booted', ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ROUND = (
    "INSERT INTO rounds (sweep_id, position, attempt, block, variant, form, task_count, status, started_ns,"
    " finished_ns, prepare_seconds, clear_seconds, cpu_pressure, steal)"
    " VALUES (?, ?, 1, ?, ?, ?, ?, 'complete', ?, ?, 1, 1, 0, 0)"
)


def large_store(path: Path, *, task_count: int, blocks: int, seed: int = 1) -> Sweep:
    """A finished sweep of ``4 * task_count * blocks`` booted tasks, log-normal around the calibration's medians."""
    plan = make_plan(small_design(variants=VARIANTS, forms=FORMS, task_counts=(task_count,), blocks=blocks, seed=seed))
    metadata = {"target": "sim", "profile": "bulk"}
    with Store(path, write=True) as store:
        sweep = store.begin_sweep(plan, "bulk", metadata, stack_outputs(VARIANTS, FORMS))
        store.set_status(sweep.id, "finished")
    random = np.random.default_rng(seed)
    connection = sqlite3.connect(path)
    with connection:
        for round_ in plan.rounds:
            started = _EPOCH_NS + round_.index * 60 * 10**9
            place = (round_.index, round_.block, round_.variant, round_.form, round_.task_count)
            row = connection.execute(_ROUND, (sweep.id, *place, started, started + 50 * 10**9)).lastrowid
            connection.executemany(_TASK, _tasks(row or 0, round_.variant, round_.form, task_count, started, random))
    connection.close()
    return sweep


def _tasks(
    round_id: int, variant: str, form: str, count: int, created: int, random: np.random.Generator
) -> list[tuple[object, ...]]:
    medians = (0.1, 0.0, _PULL[form], 0.2, 0.1, 0.0, _WORK[variant])
    parts = [np.zeros(count) if not median else median * random.lognormal(0, 0.05, count) for median in medians]
    moments = created + (np.cumsum(parts, axis=0) * 1e9).astype("int64")
    # Ready comes before the end of the boot work, and its own start is between start and ready.
    snapshotter = "overlayfs" if form == "plain" else "soci"
    digest = stack_outputs(VARIANTS, FORMS).variants[variant].treatments[form].image_digest
    return [
        (round_id, f"bulk/{round_id}/{number}", digest, snapshotter, created, *times)
        for number, times in enumerate(zip(*(row.tolist() for row in moments), strict=True))
    ]
