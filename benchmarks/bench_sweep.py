"""The overhead of a sweep: its wall clock time over the boots that it waited for, and its own resident memory.

    python benchmarks/bench_sweep.py [--plan default|full] [options of `sociometer run`]
    python benchmarks/bench_sweep.py --recorded ID|last        (only the ratio, of a sweep in the store)

The ratio is the time from the first round's preparation to the last one's clearing, over the sum of every round's
slowest boot, which is the time needed if preparing and clearing took none. Host preparation and clearing never overlap
a measurement, so the ratio shows their cost. Bars: 1.3 on the full plan, 300 MB.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.forecast.history import wall_seconds
from experiments.records.model import RoundRecord
from experiments.records.phases import NS_PER_SECOND
from experiments.store.store import LATEST, Store, default_path

RATIO_BAR = 1.3
MEMORY_BAR_MB = 300.0
LOOK_SECONDS = 0.5


def main() -> None:
    """Measure and print; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", default="default")
    parser.add_argument("--recorded", metavar="ID")
    arguments, words = parser.parse_known_args()
    peak_mb = 0.0 if arguments.recorded else peak_resident_mb(["run", "--plan", arguments.plan, *words])
    with Store(default_path()) as store:
        sweep = store.sweep(arguments.recorded or LATEST)
        records = store.rounds(sweep.id)
    ratio = overhead(records)
    print(f"sweep {sweep.id}, plan {sweep.plan.design.name}: {len(records)} rounds")
    print(f"ratio {ratio:.2f}; bar on the full plan: <= {RATIO_BAR}")
    if not arguments.recorded:
        print(f"peak resident memory of the sweep's process {peak_mb:.0f} MB; bar: < {MEMORY_BAR_MB:.0f} MB")
    missed = sweep.plan.design.name == "full" and ratio > RATIO_BAR
    sys.exit(missed or peak_mb >= MEMORY_BAR_MB)


def overhead(records: Sequence[RoundRecord]) -> float:
    """The wall clock time of the whole sweep over the sum of its rounds' slowest boots; prints both."""
    first, last = records[0].observation, records[-1].observation
    wall = (last.finished_ns - first.started_ns) / NS_PER_SECOND + first.prepare_seconds + last.clear_seconds
    boots = sum(slowest_boot(record) for record in records)
    rounds = sum(wall_seconds(record) for record in records)
    print(f"wall clock {wall:.0f} s, in rounds {rounds:.0f} s, slowest boots {boots:.0f} s")
    return wall / boots


def slowest_boot(record: RoundRecord) -> float:
    """Seconds from the release of a round's tasks to the last boot, or to the round's end if no task booted."""
    ends = [task.times.boot_finished_ns or task.times.ready_ns for task in record.observation.tasks]
    end = max((end for end in ends if end is not None), default=record.observation.finished_ns)
    return (end - record.observation.started_ns) / NS_PER_SECOND


def peak_resident_mb(words: Sequence[str]) -> float:
    """The high-water mark of the process that makes the stack and sweeps, without its child processes."""
    peak = 0
    command = [sys.executable, "-c", "from sociometer.cli.main import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _high_water_bytes(process.pid))
            time.sleep(LOOK_SECONDS)
    assert process.returncode == 0, f"the sweep ended with exit code {process.returncode}"
    return peak / 1e6


def _high_water_bytes(pid: int) -> int:
    """The process's high-water mark; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    main()
