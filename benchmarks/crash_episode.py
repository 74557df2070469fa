"""One episode of the campaign of `crash.py`: a stack, a sweep and a report, with commands that are ended on the way.

Whatever ends, it is started again as a user would: what a message names as the way out is done. Before each start, what
was committed is compared with what was committed before.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import crash_left
from benchmarks.crash_command import GONE_SECONDS, WHOLE_SECONDS, Command
from benchmarks.crash_left import Home
from benchmarks.crash_moments import REPORT, SIGNALS, UP, Moment
from experiments.records.model import RoundRecord, RoundStatus
from experiments.store.store import Store
from kit.paths import cache_dir

END_SECONDS = 90.0
"""A command that is interrupted, or whose helper is killed, ends by then."""
TRIES = 4
SHARED = ("tools", "bases", "payloads", "contexts", "hasher")
PLAN = ("--variants", "movie", "--forms", "plain,soci-v2", "--counts", "1", "--blocks", "2")
STACK = ("--stack", "crash")


@dataclass
class Result:
    """What became of one moment."""

    moment: Moment
    met: bool = False
    """Whether the command was still running when it was to be ended."""
    wrong: list[str] = field(default_factory=list)
    """All that should not be: records lost or altered, things left, a command that does not end or go on."""


class Episode:
    """A home of its own, a stack, a sweep, and what was committed of it so far."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.started: list[int] = []
        self._killed: list[int] = []
        """Commands whose folders and cgroups the next one that comes so far will clear."""
        self._committed: list[RoundRecord] = []
        self._megabytes = 12
        for folder in (self.home.data, self.home.cache, self.home.temporary):
            folder.mkdir(parents=True)
        for name in SHARED:
            (cache_dir() / name).mkdir(parents=True, exist_ok=True)
            (self.home.cache / name).symlink_to(cache_dir() / name)

    def run(self, moments: Sequence[Moment]) -> Iterator[Result]:
        """Meet every moment; the last result says whether all went to its end, and what is left at the very end."""
        before = [moment for moment in moments if moment.phase == UP]
        after = [moment for moment in moments if moment.phase == REPORT]
        for moment in before:
            yield self._meet(moment, "up", *STACK, *self._settings())
        trouble = self._to_the_end("up", *STACK, *self._settings())
        for moment in moments:
            if moment not in before and moment not in after:
                yield self._meet(moment, *self._sweep())
        while not trouble and not self._is_done():
            trouble = self._to_the_end(*self._sweep())
        for moment in after:
            result = self._meet(moment, "report", "--format", "html", "--output", "report.html")
            trouble += self._to_the_end("report", "--format", "html", "--output", "report.html")
            result.wrong += [*trouble, *self._wrong_records(), *self._wrong_plan(), *self._close()]
            yield result

    def end(self) -> None:
        """End whatever still runs, because the campaign itself was ended in the middle."""
        for process in crash_left.processes(self.home):
            with suppress(psutil.Error):
                process.kill()

    def _meet(self, moment: Moment, *words: str) -> Result:
        command = self._start(*words)
        result = Result(moment, met=command.end_at(moment))
        code = command.wait(END_SECONDS if result.met else WHOLE_SECONDS)
        if code is None:
            result.wrong.append(f"`{words[0]}` did not end:\n{command.said[-1000:]}")
        if result.met and moment.means in SIGNALS:
            result.wrong += _wrong_end(moment, code, command)
        if moment.means == "KILL" and result.met:
            self._killed.append(command.process.pid)
            result.wrong += self._running()
        else:
            result.wrong += self._left("once it had ended", but_of=self._killed)
        result.wrong += self._wrong_records()
        if "Traceback (most recent call last)" in command.said and code != -signal.SIGINT:
            result.wrong.append(f"a traceback:\n{command.said[-1500:]}")
        if moment.phase == UP and not result.met and code == 0:
            self._megabytes += 1  # it was made: the next one has something to make again
        return result

    def _start(self, *words: str) -> Command:
        command = Command(self.home, *words)
        self.started.append(command.process.pid)
        return command

    def _to_the_end(self, *words: str) -> list[str]:
        """Start a command until it is done, and do what it says; gives what went wrong when it never is."""
        for _ in range(TRIES):
            command = self._start(*words)
            if command.wait(WHOLE_SECONDS) == 0:
                return []
            if named := re.search(r"`(eval [^`]*pulumi [^`]*)`", command.said):
                environment = {**self.home.environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
                subprocess.run(["bash", "-c", named[1]], env=environment, capture_output=True, timeout=120, check=False)
            elif "wait for it to end" in command.said:
                time.sleep(5)
        return [f"`{' '.join(words)}` does not come to its end:\n{command.said[-1500:]}"]

    def _settings(self) -> tuple[str, ...]:
        return (
            "--variants",
            "movie",
            "--forms",
            "plain,soci-v2",
            "--set",
            f"movieMegabytes={self._megabytes}",
        )

    def _sweep(self) -> tuple[str, ...]:
        """Go on with the sweep, or begin another where it is finished."""
        going_on = self._sweeps() and not self._is_done()
        return ("sweep", *STACK, "--resume", "last") if going_on else ("sweep", *STACK, *PLAN)

    def _sweeps(self) -> int:
        path = self.home.data / "store.sqlite"
        if not path.exists() or not path.stat().st_size:
            return 0
        with Store(path, write=True) as store:
            return len(store.sweeps())

    def _is_done(self) -> bool:
        if not self._sweeps():
            return False
        with Store(self.home.data / "store.sqlite") as store:
            return store.sweep().status == "finished"

    def _wrong_records(self) -> list[str]:
        """Whether what was committed is there as it was; what is new counts from now on."""
        if not self._sweeps():
            return ["every record is lost"] if self._committed else []
        with Store(self.home.data / "store.sqlite") as store:
            records = [record for sweep in store.sweeps() for record in store.rounds(sweep.id)]
        before, self._committed = self._committed, records
        wrong = [f"{len(before) - len(records)} records are lost"] if len(records) < len(before) else []
        altered = sum(then != now for then, now in zip(before, records, strict=False))
        return wrong + ([f"{altered} records are altered"] if altered else [])

    def _wrong_plan(self) -> list[str]:
        """Whether every sweep that was begun is finished, with every round of its plan exactly once."""
        if not self._sweeps():
            return ["there is no sweep"]
        wrong = []
        with Store(self.home.data / "store.sqlite") as store:
            for sweep in store.sweeps():
                records = store.rounds(sweep.id)
                complete = Counter(record.round.index for record in records if record.status is RoundStatus.COMPLETE)
                if sweep.status != "finished" or complete != dict.fromkeys(range(len(sweep.plan.rounds)), 1):
                    wrong.append(f"sweep {sweep.id} is {sweep.status}; its complete rounds: {dict(complete)}")
        return wrong

    def _running(self) -> list[str]:
        """What runs on after a kill: nothing may, but Pulumi, which finishes what it has begun."""
        until = time.monotonic() + GONE_SECONDS
        while lines := [line for line in self._left_now() if line.startswith(("process", "mount")) and not _may(line)]:
            if time.monotonic() > until:
                return [f"{line} runs on after the kill" for line in lines]
            time.sleep(0.1)
        return []

    def _left(self, when: str, but_of: Sequence[int] = ()) -> list[str]:
        """What is left by commands that could clear after themselves."""
        until, others = time.monotonic() + GONE_SECONDS, tuple(f"{pid}-" for pid in but_of)
        while lines := [line for line in self._left_now() if not _named(line).startswith(others or ("\0",))]:
            if time.monotonic() > until:
                return [f"left {when}: {line}" for line in lines]
            time.sleep(0.1)
        return []

    def _left_now(self) -> list[str]:
        return crash_left.left(self.home, self.started)

    def _close(self) -> list[str]:
        """Remove the stack; then nothing at all may be left but records and caches."""
        trouble = self._to_the_end("down", *STACK)
        processes = [f"process {process.pid} after down" for process in crash_left.processes(self.home)]
        return [*trouble, *self._left("at the very end"), *processes]


def _named(line: str) -> str:
    """How a folder or a cgroup of a lab is named: by the process that made it."""
    kind, _, place = line.partition(" ")
    return place.rpartition("/run/")[2] if kind == "folder" else place if kind == "cgroup" else ""


def _may(line: str) -> bool:
    """Pulumi and what it runs outlive a kill of the command for as long as they finish what they have begun."""
    return any(word in line for word in ("pulumi", "buildkit", "buildctl", "regctl", "soci ", "runc"))


def _wrong_end(moment: Moment, code: int | None, command: Command) -> list[str]:
    """Whether the exit code says which signal ended it."""
    number = SIGNALS[moment.means]
    # -number: Python itself was still starting; 0: it had just done its work.
    wanted = {-number} if number == signal.SIGKILL else {-number, 128 + number, 0}
    return [] if code in wanted else [f"exit code {code}, not 128 + {number}:\n{command.said[-800:]}"]
