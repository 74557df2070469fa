"""Turns the events of a Pulumi run into progress lines, and a failed run into the error that caused it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import StepEventMetadata

from infra.automation import lock
from kit import aws_errors, errors
from kit.beside import repeating
from kit.credentials import hidden
from kit.errors import SociometerError, StackError
from kit.values import Notify

REMINDER_SECONDS = 30.0

_DOING = {
    OpType.CREATE: ("making", "made"),
    OpType.CREATE_REPLACEMENT: ("making anew", "made anew"),
    OpType.UPDATE: ("updating", "updated"),
    OpType.DELETE: ("removing", "removed"),
    OpType.DELETE_REPLACED: ("removing the former", "removed the former"),
}
_TYPES = (name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SociometerError))
_OURS = re.compile(rf"^(?:kit\.errors\.)?({'|'.join(_TYPES)}): ", re.MULTILINE)
"""How our errors begin: in a provider's traceback, and bare where the program raised them."""


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
"""Messages of Pulumi and AWS about problems that the user can solve, the error to raise, and what to do."""
_NOISE = re.compile(r"\s*(error: )?(update|refresh|destroy|preview) failed\s*", re.IGNORECASE)


@dataclass
class Events:
    """Receives the events of one Pulumi run: passes steps on to ``notify`` and collects errors for `cause`."""

    notify: Notify = lambda _line: None
    errors: list[str] = field(default_factory=list)
    _under_way: dict[str, tuple[str, float]] = field(default_factory=dict)
    """By URN, the step that is running and when it began (monotonic seconds)."""

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
        """Repeat what is still running every so often: a load balancer or a draining service takes minutes."""
        with repeating(every_seconds, lambda: self._remind(every_seconds)):
            yield

    def _remind(self, after_seconds: float) -> None:
        now = time.monotonic()
        for step, since in list(self._under_way.values()):
            if now - since >= after_seconds:
                self.notify(f"{step}, {now - since:.0f} s so far")

    def _tell_step(self, step: StepEventMetadata, moment: int) -> None:
        if step.op not in _DOING or step.type.startswith("pulumi:"):
            return
        kind, name = step.type.rpartition(":")[2], step.urn.rpartition("::")[2]
        line = f"{kind} {name}: {_DOING[step.op][moment]}"
        if moment == 0:
            self._under_way[step.urn] = line, time.monotonic()
        else:
            self._under_way.pop(step.urn, None)
        self.notify(line)

    def _diagnose(self, severity: str, message: str) -> None:
        text = hidden(re.sub(r"<\{%[^%\n]{0,40}%\}>", "", message).strip())  # the engine's colour marks
        if severity == "error":
            self.errors.append(text)
        elif severity.startswith("info") and text:
            self.notify(text.splitlines()[0])
        elif severity == "warning" and text:
            self.notify(f"warning: {text.splitlines()[0]}")


def cause(stack: str, run_output: str, diagnostics: list[str]) -> SociometerError:
    """The error behind a failed run: a lock with its owner, an error of ours with its type, else the first message."""
    if holder := lock.told(run_output):
        return StackError(holder.message(stack))
    if own := [error for text in diagnostics if (error := _own_error(text))]:
        return _together(own, stack)
    if (known := _known_cause("\n".join((*diagnostics, run_output)))) is not None:
        return known
    complaints = [text for text in diagnostics if not _NOISE.fullmatch(text)] or _complaints(run_output)
    return StackError(f"Pulumi could not do it for stack {stack}: {_first_lines(complaints)}")


def _own_error(text: str) -> SociometerError | None:
    """The last of our errors in a provider's traceback; those before it are what it was raised from."""
    matches = list(_OURS.finditer(text))
    if not matches:
        return None
    kind: type[SociometerError] = getattr(errors, matches[-1][1])
    return kind(text[matches[-1].end() :].strip())


def _together(failures: list[SociometerError], stack: str) -> SociometerError:
    """One error for all that failed, each told once; of the first one's type, which gives the exit code."""
    told = list(dict.fromkeys(str(error) for error in failures))
    if len(told) == 1:
        return failures[0]
    return type(failures[0])(
        f"{len(told)} things failed:\n" + "\n".join(f"- {text}" for text in told) + "\n  What was made is kept. Mend "
        f"what failed or leave it out (settings images, variants, forms), then `sociometer up --stack {stack}` again."
    )


def _known_cause(run_output: str) -> SociometerError | None:
    """The first known problem that the output mentions, in our words."""
    for pattern, kind, message in _KNOWN:
        if match := pattern.search(run_output):
            return kind(f"{message} ({' '.join(match[0].split())})")
    return None


def _complaints(run_output: str) -> list[str]:
    """The error lines in the command's own output."""
    lines = [line.strip() for line in run_output.splitlines()]
    return [line.removeprefix("stderr:").strip() for line in lines if "error:" in line]


def _first_lines(complaints: list[str]) -> str:
    return "\n".join(complaints[0].splitlines()[:4]) if complaints else "it gives no reason."
