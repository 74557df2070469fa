"""The boot report: what a task of ours says about its own boot, on `/boot.json` and as one line on its output.

The images write it (images/hasher), executors read it. Schema history: 1 — first version.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.documents import Unreadable, model_of
from kit.errors import LabError

PATH = "/boot.json"


class HashedFile(BaseModel):
    """One file that the boot read, and what it hashed to."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    path: str
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class BootReport(BaseModel):
    """When the boot's own work began and ended (ns since the epoch, the task's clock), and on what."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    schema_version: Literal[1]
    variant: str
    task_arn: str
    snapshotter: str | None
    clock_error_bound_ms: float | None = Field(ge=0)
    started_ns: int = Field(gt=0, lt=1 << 63)
    finished_ns: int = Field(gt=0, lt=1 << 63)
    files: tuple[HashedFile, ...]


def parse(text: str | bytes, task_arn: str) -> BootReport:
    """The report of that task; raises `LabError` that says whether it is cut, malformed or another task's."""
    try:
        report = model_of(BootReport, text)
    except Unreadable as error:
        raise LabError(f"The boot report is cut or not ours: {error}.") from error
    if report.task_arn != task_arn:
        raise LabError(f"The boot report names another task, {report.task_arn!r}.")
    if report.finished_ns < report.started_ns:
        raise LabError(f"The boot report ends ({report.finished_ns}) before it begins ({report.started_ns}).")
    return report
