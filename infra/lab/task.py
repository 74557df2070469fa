"""One task's life on its host: connect, pull, start, ready, booted; each step is stamped with the round's one clock.

A failure becomes the task's ending: never an exception, never a duration.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from infra import boot_report
from infra.lab import mounts
from infra.lab.protocol import End, Ending, LabTask, TaskHost, TaskRun
from infra.lab.reasons import ImageAtFault
from kit.errors import CommandTimeout, SociometerError
from kit.machine.clock import Steady

READY_POLL_SECONDS = 0.02
"""How often a task is asked whether it answers: the resolution of `ready`."""
BOOT_POLL_SECONDS = 0.25
"""How often its boot report is asked for; no measurement depends on it, the report carries its own times."""
DEATH_SECONDS = 0.5
"""How long a failed step waits for the news that a daemon has died."""


_WAS_THERE = (Ending.BOOTED, Ending.NOT_LAZY, Ending.CONTAMINATED)


class _Ended(Exception):
    """The task's life is over before it booted."""

    def __init__(self, ending: Ending, reason: str) -> None:
        super().__init__(reason)
        self.ending = ending
        self.reason = reason


class TaskLife:
    """Lives one task on one host; `live` is called in a thread of its own, `abort` from any other."""

    def __init__(self, host: TaskHost, task: LabTask, environment: dict[str, str]) -> None:
        self.task = task
        self._host, self._environment = host, environment
        self._aborted = threading.Event()
        self._seen = ""
        self.run = TaskRun(created_ns=0)

    def abort(self) -> None:
        """Make `live` return soon, by killing everything on the host: that ends a pull at once."""
        self._aborted.set()
        self._host.kill()

    def disturbed(self, told: str) -> None:
        """Something disturbed it on its way: it is no measurement, and what it died of is not its image's fault."""
        if self.run.ending is not Ending.ABORTED:
            self.run.ending = Ending.CONTAMINATED if self.run.ending in _WAS_THERE else Ending.FAILED
            before = f"{self.run.reason.rstrip('.')}. " if self.run.reason else ""
            self.run.reason = f"{before}{told}"

    def live(self, released: Steady) -> None:
        """Take the task from its release to its ending; `run` holds what was observed."""
        self._clock = released
        self.run.created_ns = released.began_ns
        self._deadline = time.monotonic() + self.task.timeout_seconds
        try:
            self._connect()
            self._pull()
            self._start()
            self._wait_ready()
            self._wait_booted()
            self.run.ending, self.run.reason = self._judge()
        except _Ended as end:
            self.run.ending, self.run.reason = end.ending, end.reason
        except ImageAtFault as error:
            self.run.ending, self.run.reason = Ending.STOPPED, str(error)
        except SociometerError as error:
            self.run.ending, self.run.reason = self._failure(error)
        if self._aborted.is_set() and self.run.ending is not Ending.BOOTED:
            # Everything was killed: what the task seems to have died of is our own doing.
            self.run.ending, self.run.reason = Ending.ABORTED, f"The round was aborted while {self.run.phase}."

    def _connect(self) -> None:
        self.run.phase = "connecting"
        while not self._host.reaches_registry():
            self._check_time()
            self._check_daemons()
            time.sleep(READY_POLL_SECONDS)
        self.run.connected_ns = self._clock.now_ns()

    def _pull(self) -> None:
        self.run.phase = "pulling"
        self.run.pull_started_ns = self._clock.now_ns()
        self._host.pull(self.task.image, self.task.snapshotter, timeout_seconds=self._left())
        self.run.pull_stopped_ns = self._clock.now_ns()

    def _start(self) -> None:
        self.run.phase = "starting"
        self._host.start(self.task, self._environment)
        self.run.started_ns = self._clock.now_ns()

    def _wait_ready(self) -> None:
        self.run.phase = "waiting to be ready"
        if self.task.ready.kind == "exit":
            self._wait_end()
        else:
            while not (answer := self._host.look(self.task)).ready:
                self._seen = answer.seen
                self._check_alive()
                time.sleep(READY_POLL_SECONDS)
        self.run.ready_ns = self._clock.now_ns()
        self._seen = ""

    def _wait_end(self) -> None:
        """A job is ready when it has ended as it should."""
        self._seen = "it still runs"
        while not self._host.has_stopped():
            self._check_time()
            self._check_daemons()
            time.sleep(READY_POLL_SECONDS)
        end = self._host.end(self.task.container_id)
        if end.exit_code != self.task.ready.code:
            raise _Ended(Ending.STOPPED, f"{_ended(end)}, not with {self.task.ready.code}. {self._host.last_words()}")
        if end.memory_limit is not None:  # the counters go with the container
            raise _Ended(Ending.STOPPED, _short_of_memory(end.memory_limit))

    def _wait_booted(self) -> None:
        self.run.phase = "booting"
        if not self.task.has_boot_report:
            self.run.boot_started_ns, self.run.boot_finished_ns = self.run.started_ns, self.run.ready_ns
            self._look()
            return
        text = self._until(lambda: self._host.boot_report(self.task.ready.port), BOOT_POLL_SECONDS)
        self._look()
        report = boot_report.parse(text, self.task.task_arn)
        self.run.boot_started_ns, self.run.boot_finished_ns = report.started_ns, report.finished_ns
        self.run.clock_error_bound_ms = report.clock_error_bound_ms
        if report.snapshotter != self.run.snapshotter:
            told = f"its metadata told {report.snapshotter!r}, its mounts show {self.run.snapshotter!r}"
            raise _Ended(Ending.CONTAMINATED, f"The task's snapshotter changed: {told}.")

    def _look(self) -> None:
        """Record what the host's mounts and network counters prove."""
        self.run.snapshotter = self._host.layers.snapshotter()
        self.run.lazy_layers = self._host.layers.lazy()
        self.run.received_bytes = self._host.received_bytes()

    def _judge(self) -> tuple[Ending, str | None]:
        """Booted, but only if the image was delivered as its form promises."""
        task, run = self.task, self.run
        if limit := self._host.killed_for_memory():
            return Ending.STOPPED, _short_of_memory(limit)
        seen = f"snapshotter {run.snapshotter}, {run.lazy_layers} lazy layers"
        if task.parallel_layers:
            return self._judge_parallel(seen)
        if task.snapshotter == mounts.SOCI:
            if run.snapshotter != mounts.SOCI or run.lazy_layers != task.lazy_layers:
                promised = f"The form promises {task.lazy_layers} lazy layers"
                reason = f"{promised}; seen: {seen}. {self._host.layers.why_not_lazy()}".rstrip()
                return Ending.NOT_LAZY, reason
            if (prefetched := self._host.layers.loading().prefetched) != task.prefetched_layers:
                promised = (
                    f"The form promises that parts of {task.prefetched_layers} layers are fetched before it starts"
                )
                return Ending.NOT_LAZY, f"{promised}; the soci-snapshotter did so for {prefetched}."
        elif run.snapshotter != task.snapshotter or run.lazy_layers:
            return Ending.CONTAMINATED, f"The control must be loaded whole; seen: {seen}."
        return Ending.BOOTED, None

    def _judge_parallel(self, seen: str) -> tuple[Ending, str | None]:
        """Loaded whole, and by the soci-snapshotter itself: containerd could have done it one layer after another."""
        task, run = self.task, self.run
        if run.snapshotter != mounts.OVERLAYFS or run.lazy_layers:
            return Ending.CONTAMINATED, f"The form must be loaded whole; seen: {seen}."
        if (pulled := self._host.layers.loading().in_parallel) != task.parallel_layers:
            return Ending.CONTAMINATED, f"{pulled} of {task.parallel_layers} layers were pulled in parallel."
        return Ending.BOOTED, None

    def _until(self, ask: Callable[[], bytes | None], poll_seconds: float) -> bytes:
        """The first answer of a task that is alive and in time."""
        while (answer := ask()) is None:
            self._check_alive()
            time.sleep(poll_seconds)
        return answer

    def _check_alive(self) -> None:
        self._check_time()
        self._check_daemons()
        if self._host.has_stopped():
            end = _ended(self._host.end(self.task.container_id))
            raise _Ended(Ending.STOPPED, f"{end} while it was {self.run.phase}. {self._host.last_words()}")

    def _check_daemons(self) -> None:
        if trouble := self._host.trouble():
            raise _Ended(Ending.FAILED, f"while {self.run.phase}: {trouble}")

    def _check_time(self) -> None:
        if self._aborted.is_set():
            raise _Ended(Ending.ABORTED, f"The round was aborted while {self.run.phase}.")
        self._left()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            limit, seen = f"{self.task.timeout_seconds:g} s", f": {self._seen}" if self._seen else ""
            words = self._host.last_words()
            raise _Ended(Ending.TIMEOUT, f"Not booted within {limit}; it was {self.run.phase}{seen}. {words}")
        return left

    def _failure(self, error: SociometerError) -> tuple[Ending, str]:
        if limit := self._host.killed_for_memory():
            return Ending.STOPPED, f"The container ran out of memory (limit {limit >> 20} MiB) while {self.run.phase}."
        ending = Ending.TIMEOUT if isinstance(error, CommandTimeout) else Ending.FAILED
        return ending, f"while {self.run.phase}: {self._cause(error)}"

    def _cause(self, error: SociometerError) -> str:
        """The cause of an error: if a daemon has just died, its clients fail a moment before we see it end."""
        until = time.monotonic() + DEATH_SECONDS
        while time.monotonic() < until:
            if trouble := self._host.trouble():
                return trouble
            time.sleep(READY_POLL_SECONDS)
        return str(error)


def _ended(end: End) -> str:
    """How a container ended, as the beginning of a sentence."""
    code = "" if end.exit_code is None else f" with exit code {end.exit_code}"
    if end.memory_limit is None:
        return f"The container ended{code}"
    return f"The container ran out of memory (limit {end.memory_limit >> 20} MiB) and ended{code}"


def _short_of_memory(limit_bytes: int) -> str:
    return f"A process of the container ran out of memory (limit {limit_bytes >> 20} MiB); it booted all the same."
