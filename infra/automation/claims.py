"""One command at a time changes a stack, or measures on it, as far as this machine can tell.

Pulumi's own lock comes too late: a command sets the stack's settings before it takes it, and a sweep never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infra.automation.files import checked_name
from kit import locks
from kit.paths import data_dir


@contextmanager
def claimed(stack: str) -> Iterator[None]:
    """Hold the stack for as long as the block lasts; raises `StoreError` that names the process that holds it."""
    folder = data_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder / f"stack-{checked_name(stack)}.lock", f"Stack {stack}"):
        yield
