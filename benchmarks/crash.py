"""What is lost, left or said falsely when real lab sweeps are ended at random moments: nothing may be.

    python benchmarks/crash.py [--moments 25] [--seed 1] [--results FILE]

Each episode makes a small stack, sweeps a plan of four rounds in the real lab, and reports. On the way, commands are
ended at moments drawn by the seed: with SIGKILL, SIGTERM, SIGINT and SIGHUP, and by killing the lab's registry, a
containerd, a snapshotter or Pulumi under them. Each time the command is started again. At the end the plan must be
complete, with every committed record once and unaltered, and with nothing of it left on the machine.

With ``--results`` the moments add up over several calls: each goes on where the last one ended, and prints the table of
all. Exit code 1 when anything went wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.crash_episode import Episode, Result
from benchmarks.crash_moments import PHASES, PROGRAMS, SIGNALS, moments

UPS, ROUNDS = 2, 10
"""Moments of one episode while its stack is made, and during its sweep."""


def main() -> None:
    """Run the campaign, print the table, and end with 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that an episode's end is reached
    rows = _read(arguments.results)
    episode = max((row["episode"] for row in rows), default=0)
    met = 0
    while met < arguments.moments:
        episode += 1
        for result in run_episode(arguments.seed, episode):
            rows.append({"seed": arguments.seed, "episode": episode, **asdict(result)})
            met += result.met
            print(line(result), flush=True)
            if arguments.results:
                arguments.results.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    print(table(rows))
    sys.exit(any(row["wrong"] for row in rows))


def run_episode(seed: int, episode: int, ups: int = UPS, rounds: int = ROUNDS) -> Iterable[Result]:
    """One episode in a home of its own, which is removed unless something went wrong."""
    root = Path(tempfile.mkdtemp(prefix=f"crash-{seed}-{episode}-"))
    wrong, running = False, Episode(root)
    try:
        for result in running.run(list(moments(seed, episode, ups, rounds))):
            wrong = wrong or bool(result.wrong)
            yield result
    finally:
        running.end()
    if wrong:
        print(f"kept for a look: {root}")
    else:
        shutil.rmtree(root)


def line(result: Result) -> str:
    """One moment in a line, and what went wrong below it."""
    moment = result.moment
    outcome = "wrong" if result.wrong else "good" if result.met else "too late"
    return "\n    ".join([f"{moment.phase} + {moment.delay:.2f} s, {moment.means}: {outcome}", *result.wrong])


def table(rows: Sequence[dict]) -> str:
    """How many moments were met, by phase and by means, and in how many something went wrong."""
    met, wrong = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        key = row["moment"]["phase"], row["moment"]["means"]
        met[key] += row["met"]
        wrong[key] += bool(row["wrong"])
    means = [*SIGNALS, *PROGRAMS]
    lines = ["".join(f"{head:>12}" for head in ("", *means, "all"))]
    for phase in PHASES:
        cells = [_cell(met[phase, each], wrong[phase, each]) for each in means]
        total = _cell(sum(met[phase, each] for each in means), sum(wrong[phase, each] for each in means))
        lines.append("".join(f"{cell:>12}" for cell in (phase, *cells, total)))
    late = sum(not row["met"] for row in rows)
    lines.append(f"{sum(met.values())} moments met, {sum(wrong.values())} with something wrong; {late} came too late.")
    return "\n".join(lines)


def _cell(met: int, wrong: int) -> str:
    return f"{met} ({wrong} !)" if wrong else str(met or "-")


def _read(results: Path | None) -> list[dict]:
    if results is None or not results.exists():
        return []
    return [json.loads(row) for row in results.read_text().splitlines()]


if __name__ == "__main__":
    main()
