"""What the boot of a sweep's image reads, in figures of a trace: kept with the sweep, so that its report has them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from kit.values import Frozen


class Figures(Frozen):
    """Of the layers that were lazy. ``read_bytes`` are whole pages, the kernel's reading ahead included."""

    files: int = Field(ge=0)
    read_files: int = Field(ge=0)
    file_bytes: int = Field(ge=0, description="of all files")
    read_bytes: int = Field(ge=0)
    spans: int = Field(ge=0)
    needed_spans: int = Field(ge=0, description="spans with something that was read")
    unpacked_bytes: int = Field(ge=0, description="what those spans hold")
    fetched_bytes: int = Field(ge=0, description="their compressed size")
    needed_bytes: int = Field(ge=0, description="what was read, in the compression of its spans")
    unseen_bytes: int = Field(ge=0, description="compressed size of the layers that were not lazy")

    @property
    def share(self) -> float:
        """The part of the files' bytes that the boot reads."""
        return self.read_bytes / self.file_bytes if self.file_bytes else 0.0

    @property
    def needless(self) -> float:
        """The part of what was fetched that the boot did not need."""
        return max(1 - self.read_bytes / self.unpacked_bytes, 0.0) if self.unpacked_bytes else 0.0


class Reads(Frozen):
    """Of one variant, as a form of it was traced: figures, or the reason why there are none, in one sentence."""

    variant: str
    form: str | None = None
    figures: Figures | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.figures is None) == (self.reason is None):
            raise ValueError("either figures or a reason why there are none")
        return self
