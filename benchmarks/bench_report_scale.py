"""Time and memory from a store to its report, page and pictures included: 1,000 and 1,000,000 task records.

    python benchmarks/bench_report_scale.py [--tasks 1000 1000000]

A generator writes a sweep of log-normal times straight into the store's tables. A fresh process then opens the store,
reads the frames, analyses them and makes the page, as `sociometer report --format html` does. Prints the time and that
process's peak resident memory. Exits with 1 if a bar is missed: 30 s and 1.5 GB for a million records, 5 s for a
thousand.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.plan.plan import Design, Plan, make_plan
from experiments.plan.presets import PRESETS
from experiments.records.model import Round
from experiments.store import sweeps
from experiments.store.store import Store
from kit.command import run
from kit.scratch import scratch
from tests.contracts.outputs import stack_outputs

BARS = ((1_000, 5.0), (1_000_000, 30.0))
"""The most seconds, for up to this number of tasks."""
MEMORY_BAR_MB = 1_500.0
COUNTS = (1, 2, 3, 8)
LIMIT_SECONDS = 600.0
START_NS = 1_700_000_000_000_000_000
COLUMNS = (
    *("round_id", "task_id", "image_digest", "outcome", "snapshotter", "lazy_layers", "received_bytes"),
    *("created_ns", "connected_ns", "pull_started_ns", "pull_stopped_ns", "started_ns", "ready_ns"),
    *("boot_started_ns", "boot_finished_ns"),
)
READER = """
import json, sys, time
began = time.perf_counter()
from pathlib import Path
from experiments.report import formats
from experiments.store import frames
from experiments.analysis.analyse import analyse
from experiments.report.contents import contents
from experiments.store.store import Store
imported = time.perf_counter()
with Store(Path(sys.argv[1])) as store:
    sweep = store.sweep()
    tasks, rounds = frames.tasks(store, sweep.id), frames.rounds(store, sweep.id)
read = time.perf_counter()
analysis = analyse(sweep, tasks, rounds)
analysed = time.perf_counter()
page = formats.to_html(formats.Report(contents(sweep, analysis, rounds, len(tasks)), tasks))
done = time.perf_counter()
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(json.dumps({
    "tasks": len(tasks), "imports": imported - began, "reading": read - imported, "analysing": analysed - read,
    "drawing": done - analysed, "page_mb": len(page.encode()) / 1e6,
    "total": done - began, "cpu": time.process_time(), "peak_mb": int(peak.split()[1]) * 1024 / 1e6,
    "headline": analysis.headline,
}))
"""


def main() -> None:
    """Generate, read and print; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="*", default=[1_000, 1_000_000])
    missed = False
    for count in parser.parse_args().tasks:
        with scratch("bench") as room:
            path = room / "store.sqlite"
            generate(path, count)
            megabytes = path.stat().st_size / 1e6
            result = json.loads(run([sys.executable, "-c", READER, path], timeout_seconds=LIMIT_SECONDS).stdout)
        bar = next((seconds for most, seconds in BARS if count <= most), BARS[-1][1])
        missed |= result["total"] > bar or result["peak_mb"] > MEMORY_BAR_MB
        print(
            f"{result['tasks']:,} tasks, store of {megabytes:.0f} MB: imports {result['imports']:.1f} s, "
            f"reading {result['reading']:.1f} s, analysing {result['analysing']:.1f} s, "
            f"drawing a page of {result['page_mb']:.1f} MB {result['drawing']:.1f} s, in all {result['total']:.1f} s "
            f"(bar {bar:.0f}; {result['cpu']:.1f} s of CPU), peak {result['peak_mb']:.0f} MB (bar {MEMORY_BAR_MB:.0f})"
        )
        print(f"  {result['headline']}")
    sys.exit(missed)


def generate(path: Path, tasks: int, seed: int = 1) -> None:
    """Write a store at ``path`` with one finished sweep of about ``tasks`` tasks."""
    plan = plan_for(tasks)
    with Store(path, write=True) as store:
        sweep = store.begin_sweep(plan, "lab", {"target": "lab", "profile": "made up"}, stack_outputs())
        store.set_status(sweep.id, "finished")
    connection = sqlite3.connect(path)
    with connection:
        generator = np.random.default_rng(seed)
        places, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
        for round_ in plan.rounds:
            connection.execute(ROUND, round_row(sweep, round_, generator))
            rows = task_rows(sweep, round_, generator)
            connection.executemany(f"INSERT INTO tasks ({places}) VALUES ({marks})", rows)  # noqa: S608 - our names
    connection.close()


def plan_for(tasks: int) -> Plan:
    """A plan of two variants in three forms at four task counts, with 10 blocks and about ``tasks`` tasks."""
    preset = PRESETS["full"].design
    scale = max(1, round(tasks / (10 * len(preset.variants) * len(preset.forms) * sum(COUNTS))))
    counts = tuple(count * scale for count in COUNTS)
    return make_plan(Design(**{**preset.model_dump(), "task_counts": counts, "blocks": 10}))


ROUND = (
    "INSERT INTO rounds (id, sweep_id, position, attempt, block, variant, form, task_count, status, started_ns, "
    "finished_ns, prepare_seconds, clear_seconds, cpu_pressure, steal) VALUES (?, ?, ?, 1, ?, ?, ?, ?, 'complete', "
    "?, ?, 0.5, 0.5, ?, 0.0)"
)


def round_row(sweep: sweeps.Sweep, round_: Round, generator: np.random.Generator) -> tuple[object, ...]:
    """The row of a complete round; rounds are a minute apart."""
    began_ns = START_NS + round_.index * 60 * 10**9
    place = (round_.index + 1, sweep.id, round_.index, round_.block, round_.variant, round_.form, round_.task_count)
    return (*place, began_ns, began_ns + 50 * 10**9, float(generator.uniform(0, 0.4)))


def task_rows(sweep: sweeps.Sweep, round_: Round, generator: np.random.Generator) -> Iterator[tuple[object, ...]]:
    """The rows of the round's tasks: all booted, with log-normal times that share a factor."""
    count = round_.task_count
    digest = sweep.outputs.variants[round_.variant].treatments[round_.form].image_digest
    lazy = round_.form != "plain"
    shared = generator.lognormal(0, 0.05)
    medians = np.array([0.1, 0.01, 0.3 if lazy else 6.6, 0.2, 0.1, 0.05, 9.0 if lazy else 12.0])
    steps = generator.lognormal(0, 0.05, (count, len(medians))) * medians * shared * 1e9
    created_ns = START_NS + round_.index * 60 * 10**9
    times = created_ns + np.cumsum(steps, axis=1).astype(np.int64)
    received = generator.integers(10**8, 7 * 10**8, count)
    for number, (task_times, bytes_) in enumerate(zip(times.tolist(), received.tolist(), strict=True)):
        connected, pull, pulled, started, ready, boot, booted = task_times
        task_id = f"arn:made-up:task/{sweep.id}/{round_.index:04d}/{number:08d}"
        identity = (round_.index + 1, task_id, digest, "booted", "soci" if lazy else "overlayfs", int(lazy), bytes_)
        yield (*identity, created_ns, connected, pull, pulled, started, ready, boot, booted)


if __name__ == "__main__":
    main()
