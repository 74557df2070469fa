"""The Fargate executor on the simulated region, from 1 task to 10,000: requests, time and memory.

    python benchmarks/bench_scale.py [--tasks 1,8,100,1000,10000]

Prints for each size the number of recorded tasks, the requests against the minimum that paging allows, the round's
simulated and real time, and its peak memory (from a second run, with tracemalloc). Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
import tracemalloc
from collections.abc import Iterator
from typing import NamedTuple

from experiments.executors.fargate import calls
from experiments.executors.simulation import SimulatedExecutor, outputs, parameters, world
from experiments.plan.presets import PRESETS
from experiments.records.model import Outcome, Round, RoundObservation

MOST_SECONDS = 60.0
"""The most real time for the largest round."""
CALL_BAR = 2.0
TASK_BYTES = calls.TASK_BYTES + world.TASK_BYTES
"""The bound on memory per task: the executor's and the simulation's."""
BASE_BYTES = 2 << 20
"""Memory that does not depend on the number of tasks."""
DESIGN = PRESETS["full"].design


class Row(NamedTuple):
    """The figures of one round."""

    tasks: int
    recorded: int
    met: int
    api_calls: int
    least_calls: int
    retries: int
    gets: int
    simulated_seconds: float
    seconds: float
    peak_bytes: int

    def missed(self) -> Iterator[str]:
        """One message per missed bar."""
        if self.recorded != self.tasks:
            yield f"{self.recorded} of {self.tasks} tasks were recorded once and as booted"
        if self.api_calls > CALL_BAR * self.least_calls:
            yield f"{self.tasks} tasks: {self.api_calls} calls, more than {CALL_BAR:.0f} x {self.least_calls}"
        if self.peak_bytes > BASE_BYTES + self.tasks * TASK_BYTES:
            yield f"{self.tasks} tasks: {self.peak_bytes} bytes, more than {TASK_BYTES} per task"
        if self.seconds > MOST_SECONDS:
            yield f"{self.tasks} tasks: {self.seconds:.0f} s, more than {MOST_SECONDS:.0f}"


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="1,8,100,1000,10000")
    sizes = [int(size) for size in parser.parse_args().tasks.split(",")]
    print("SIMULATED: one round of the movie as soci-v2, on the default parameters")
    print(
        f"{'tasks':>7}{'recorded':>10}{'met':>7}{'API calls':>11}{'least':>7}{'ratio':>7}{'retries':>9}{'GETs':>7}"
        f"{'simulated':>11}{'real':>8}{'peak':>10}{'per task':>10}"
    )
    missed: list[str] = []
    for size in sizes:
        row = measured(size)
        missed += row.missed()
        print(
            f"{row.tasks:>7,}{row.recorded:>10,}{row.met:>7,}{row.api_calls:>11,}{row.least_calls:>7,}"
            f"{row.api_calls / row.least_calls:>7.2f}{row.retries:>9,}{row.gets:>7,}{row.simulated_seconds:>9.0f} s"
            f"{row.seconds:>6.2f} s{row.peak_bytes / 1e6:>7.1f} MB{row.peak_bytes / row.tasks / 1000:>7.1f} kB"
        )
    print(f"the process used {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB at most")
    print(
        f"bars: each task recorded once, calls <= {CALL_BAR:.0f} x least (not counting retries), memory <= "
        f"{BASE_BYTES / 1e6:.1f} MB + {TASK_BYTES / 1000:.1f} kB per task, <= {MOST_SECONDS:.0f} s"
    )
    print("\n".join(f"MISSED: {message}" for message in missed) or "all met")
    sys.exit(bool(missed))


def measured(task_count: int) -> Row:
    """The figures of a round that runs twice: once for its time, once for its memory."""
    began = time.perf_counter()
    observation, simulated_seconds = simulate(task_count)
    seconds = time.perf_counter() - began
    requests = observation.requests
    booted = {task.task_id for task in observation.tasks if task.outcome is Outcome.BOOTED}
    return Row(
        tasks=task_count,
        recorded=len(booted) if len(observation.tasks) == task_count else len(observation.tasks),
        met=sum(task.times.ready_ns is not None for task in observation.tasks),
        api_calls=(requests.api_calls or 0) - (requests.api_retries or 0),
        least_calls=calls.minimum(task_count),
        retries=requests.api_retries or 0,
        gets=requests.balancer_gets or 0,
        simulated_seconds=simulated_seconds,
        seconds=seconds,
        peak_bytes=peak_bytes(task_count),
    )


def simulate(task_count: int) -> tuple[RoundObservation, float]:
    """One round from no task to no task, and its simulated seconds."""
    executor = SimulatedExecutor(outputs(DESIGN, "linux/arm64"), parameters(DESIGN), seed=1, timeout_seconds=600)
    with executor:
        began = executor.clock.monotonic()
        round_ = Round(block=0, index=0, variant="movie", form="soci-v2", task_count=task_count)
        return executor.run_round(round_, lambda _: None), executor.clock.monotonic() - began


def peak_bytes(task_count: int) -> int:
    """The peak memory of a round."""
    gc.collect()
    tracemalloc.start()
    try:
        simulate(task_count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main()
