"""Frozen values: what is made once, checked, and never changed."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError


class Frozen(BaseModel):
    """A value that is checked when made and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Frozen):
    """A value that others may have written: no number in it is infinite, also where text stands for one."""

    model_config = ConfigDict(allow_inf_nan=False)


def first_fault(error: ValidationError) -> str:
    """Where the first fault of a document is, and what it is: ``tasks.0.port: Input should be …``."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{where}: {first['msg']}"


Notify = Callable[[str], None]
"""Is told, in one line, what is being done."""
