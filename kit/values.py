"""Frozen values: what is made once, checked, and never changed."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that is checked when made and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Notify = Callable[[str], None]
"""Is told, in one line, what is being done."""
