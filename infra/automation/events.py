"""What a Pulumi run says, made short: its progress as lines for people, its failure as the error that caused it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import StepEventMetadata

from infra.automation.files import pulumi_command
from kit import aws_errors, errors
from kit.errors import SociometerError, StackError
from kit.machine import processes
from kit.values import Notify

REMINDER_SECONDS = 30.0

_DOING = {
    OpType.CREATE: ("making", "made"),
    OpType.CREATE_REPLACEMENT: ("making anew", "made anew"),
    OpType.UPDATE: ("updating", "updated"),
    OpType.DELETE: ("removing", "removed"),
    OpType.DELETE_REPLACED: ("removing the former", "removed the former"),
}
_OURS = re.compile(r"^kit\.errors\.(\w+): ", re.MULTILINE)
_LOCK = re.compile(r"created by (?P<user>[^@\s]+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


def _any(codes: set[str]) -> str:
    """A pattern for any of AWS's error codes."""
    return "|".join(sorted(codes, key=len, reverse=True))


_KNOWN: tuple[tuple[re.Pattern[str], type[SociometerError], str], ...] = (
    (
        re.compile(
            r"No valid credential sources found|[Uu]nable to validate AWS credentials|no EC2 IMDS role found"
            rf"|security token included in the request is \w+|{_any(aws_errors.EXPIRED | aws_errors.UNKNOWN)}"
        ),
        errors.CredentialsError,
        f"The AWS credentials are missing, unknown or expired. {aws_errors.LOGIN} {aws_errors.AGAIN}",
    ),
    (
        re.compile(rf"(Signature (expired|not yet current)|{_any(aws_errors.WRONG_TIME)})[^\n]*"),
        errors.CredentialsError,
        f"{aws_errors.WRONG_CLOCK} {aws_errors.AGAIN}",
    ),
    (
        re.compile(rf"({_any(aws_errors.WRONG_SIGNATURE)})[^\n]*"),
        errors.CredentialsError,
        f"{aws_errors.KEY_OR_CLOCK} {aws_errors.AGAIN}",
    ),
    (
        re.compile(r"([Cc]annot connect to the Docker daemon|failed to connect to any docker daemon)[^\n]*"),
        errors.MachineError,
        "There is no Docker daemon to build with. Start it, or build without: --set builder=buildkit.",
    ),
    (
        re.compile(r"Could not automatically download and install resource plugin '[^']+' at version [^\s,]+"),
        errors.MachineError,
        "Pulumi cannot fetch a plugin that it needs. Let this machine reach get.pulumi.com or GitHub, or put the "
        "plugin on PATH.",
    ),
    (
        re.compile(rf"({_any(aws_errors.REFUSED)})[^\n]*"),
        errors.AwsError,
        f"AWS does not allow it: {aws_errors.PERMISSIONS}",
    ),
)
"""Pulumi's and AWS's words for what is not Pulumi's fault."""
_NOISE = re.compile(r"\s*(error: )?(update|refresh|destroy|preview) failed\s*", re.IGNORECASE)


@dataclass
class Events:
    """Listens to one Pulumi run: tells the phases to ``notify``, and keeps the errors for `cause`."""

    notify: Notify = lambda _line: None
    errors: list[str] = field(default_factory=list)
    _under_way: dict[str, tuple[str, float]] = field(default_factory=dict)
    """What is being done to which resource, and since when (monotonic seconds)."""

    def __call__(self, event: EngineEvent) -> None:
        """Take one engine event."""
        if event.resource_pre_event:
            self._tell_step(event.resource_pre_event.metadata, 0)
        elif event.res_outputs_event:
            self._tell_step(event.res_outputs_event.metadata, 1)
        elif event.diagnostic_event:
            self._diagnose(event.diagnostic_event.severity, event.diagnostic_event.message)

    @contextmanager
    def reminding(self, every_seconds: float = REMINDER_SECONDS) -> Iterator[None]:
        """Tell again, every so often, what is still under way: a load balancer or a draining service takes minutes."""
        done = threading.Event()
        reminder = threading.Thread(target=self._remind, args=(done, every_seconds), daemon=True)
        reminder.start()
        try:
            yield
        finally:
            done.set()
            reminder.join()

    def _remind(self, done: threading.Event, every_seconds: float) -> None:
        while not done.wait(every_seconds):
            now = time.monotonic()
            for said, since in list(self._under_way.values()):
                if now - since >= every_seconds:
                    self.notify(f"{said}, {now - since:.0f} s so far")

    def _tell_step(self, step: StepEventMetadata, moment: int) -> None:
        if step.op not in _DOING or step.type.startswith("pulumi:"):
            return
        kind, name = step.type.rpartition(":")[2], step.urn.rpartition("::")[2]
        said = f"{kind} {name}: {_DOING[step.op][moment]}"
        if moment == 0:
            self._under_way[step.urn] = said, time.monotonic()
        else:
            self._under_way.pop(step.urn, None)
        self.notify(said)

    def _diagnose(self, severity: str, message: str) -> None:
        text = re.sub(r"<\{%.*?%\}>", "", message).strip()  # the engine's colour marks
        if severity == "error":
            self.errors.append(text)
        elif severity.startswith("info") and text:
            self.notify(text.splitlines()[0])


def cause(stack: str, run_output: str, diagnostics: list[str]) -> SociometerError:
    """The error behind a failed run: our own with its own type, a lock with its owner, else the first complaint."""
    if locks := list(_LOCK.finditer(run_output)):
        return StackError(_locked(stack, locks[0]))
    for text in diagnostics:
        if ours := _own_error(text):
            return ours
    if (known := _known_cause("\n".join((*diagnostics, run_output)))) is not None:
        return known
    complaints = [text for text in diagnostics if not _NOISE.fullmatch(text)] or _complaints(run_output)
    return StackError(f"Pulumi could not do it for stack {stack}: {_first_lines(complaints)}")


def _own_error(text: str) -> SociometerError | None:
    """The last error of ours in a provider's traceback: what it translated came before it."""
    found = list(_OURS.finditer(text))
    if not found:
        return None
    kind = getattr(errors, found[-1][1], SociometerError)
    return kind(text[found[-1].end() :].strip()) if issubclass(kind, SociometerError) else None


def _known_cause(said: str) -> SociometerError | None:
    """What a user can put right, in our words; the first that fits."""
    for pattern, kind, message in _KNOWN:
        if found := pattern.search(said):
            return kind(f"{message} ({' '.join(found[0].split())})")
    return None


def _locked(stack: str, lock: re.Match[str]) -> str:
    who = f"Stack {stack} is locked by {lock['user']}@{lock['host']}, process {lock['pid']}, since {lock['since']}."
    name = processes.name(int(lock["pid"]))
    if name is None:
        return (
            f"{who} There is no such process on this machine: if it ended in the middle, "
            f"`{pulumi_command(stack, 'cancel --yes')}` clears the lock."
        )
    return f"{who} It is running ({name}): wait for it to end."


def _complaints(run_output: str) -> list[str]:
    """Lines of the command's own output that say what is wrong."""
    lines = [line.strip() for line in run_output.splitlines()]
    return [line.removeprefix("stderr:").strip() for line in lines if "error:" in line]


def _first_lines(complaints: list[str]) -> str:
    return "\n".join(complaints[0].splitlines()[:4]) if complaints else "it gives no reason."
