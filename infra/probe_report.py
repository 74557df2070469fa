"""The probe's report: what the probe beside an unchanged image says of its task, as a line on its output.

The probe writes it (images/probe), executors read it. A task that is not ready yet has a line now and then; the last
one is final. Schema history: 1 — first version.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.documents import Unreadable, model_of
from kit.errors import LabError

PATTERN = '"probe_schema_version"'
"""A phrase of every report, whole or cut."""
MOST_BYTES = 16 << 10
"""Of one line: a task has at most 10 containers (Amazon ECS service quotas), and all that is said is short."""


class ProbedContainer(BaseModel):
    """A container of the task: the snapshotter that it was mounted with, and its start (ns since the epoch).

    None is what the task was not told.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(max_length=255)
    snapshotter: Annotated[str, Field(max_length=255)] | None
    started_ns: int | None = Field(default=None, gt=0, lt=1 << 63)


class ProbeReport(BaseModel):
    """When a task was seen to be ready (ns since the epoch, the task's clock), and what was seen of it last.

    ``ready_ns`` is None when it was not, or where somebody else sees it (`log:`). ``final``: no other line follows.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    probe_schema_version: Literal[1]
    task_arn: str = Field(max_length=2048)
    ready: str = Field(max_length=4096)
    ready_ns: int | None = Field(gt=0, lt=1 << 63)
    seen: str = Field(max_length=4096)
    final: bool
    clock_error_bound_ms: float | None = Field(ge=0, allow_inf_nan=False)
    containers: tuple[ProbedContainer, ...] = Field(max_length=20)

    def snapshotter(self, container: str) -> str | None:
        """The snapshotter of the container of that name; None when the task was not told."""
        return next((one.snapshotter for one in self.containers if one.name == container), None)

    def started_ns(self, container: str) -> int | None:
        """When the container of that name started; None when the task was not told."""
        return next((one.started_ns for one in self.containers if one.name == container), None)


def parse(line: str | bytes, task_arn: str, ready: str) -> ProbeReport:
    """The report of that task on that readiness.

    Raises `LabError` that says whether the line is too long, cut, malformed, another task's or about something else.
    """
    size_bytes = len(line.encode() if isinstance(line, str) else line)
    if size_bytes > MOST_BYTES:
        raise LabError(f"The probe's report has {size_bytes} bytes, more than the {MOST_BYTES} that one can have.")
    try:
        report = model_of(ProbeReport, line)
    except Unreadable as error:
        raise LabError(f"The probe's report is cut or not ours: {error}.") from error
    if report.task_arn != task_arn:
        raise LabError(f"The probe's report names another task, {report.task_arn!r}.")
    if report.ready != ready:
        raise LabError(f"The probe's report is about {report.ready!r}, not {ready!r}.")
    return report
