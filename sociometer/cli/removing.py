"""Removing a stack: what could not be removed is listed with its cost a day, and so is what else is still up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from experiments.executors import choose
from experiments.forecast.leftovers import Leftover, usd_per_day
from kit.errors import SociometerError, StackError
from sociometer.cli.progress import say
from sociometer.cli.spending import WIDTH, usd
from sociometer.cli.targets import Target

STAYS = (
    "What stays by design: revisions of task definitions, which AWS keeps as inactive and charges nothing for; and on "
    "this machine records, results and caches."
)


@contextmanager
def removed_afterwards(target: Target, *, wanted: bool) -> Iterator[None]:
    """Remove the stack at the end if that is wanted, however the end comes; a simulation has none."""
    if not (wanted and target.has_stack):
        yield
        return
    try:
        yield
    except BaseException as error:
        # What went wrong is said now, for the removal may go wrong too.
        say("interrupted" if isinstance(error, KeyboardInterrupt) else f"error: {error or type(error).__name__}")
        say(f"The stack {target.stack} is removed all the same, as --destroy says.")
        remove(target)
        raise
    say(f"The stack {target.stack} is removed, as --destroy says.")
    remove(target)


def remove(target: Target) -> None:
    """Remove a stack, telling the steps; raises what went wrong after listing what is left."""
    from infra.automation import stack as stacks  # Pulumi is slow to import

    try:
        with _unused(target):
            stacks.down(target.stack, say)
    except SociometerError as error:
        _list_what_is_left(target.stack, error)
        raise
    say(f"Nothing of stack {target.stack} is left.")
    if target.spends:
        from experiments.forecast import standing

        say(STAYS)
        for name, entries in standing.still_up().items():
            say(f"Stack {name} is still up: about {usd(usd_per_day(entries))} a day, without its images and tasks.")


@contextmanager
def _unused(target: Target) -> Iterator[None]:
    """Raise `StoreError` that names the sweep that uses the stack; a stack without outputs is used by none."""
    from infra.automation import stack as stacks

    if not target.spends:
        yield
        return
    try:
        made = stacks.outputs(target.stack)
    except StackError:
        yield
        return
    with choose.unused(made):
        yield


def _list_what_is_left(stack: str, reason: SociometerError) -> None:
    """On standard error; what keeps the list from being made comes after what kept the stack from being removed."""
    from experiments.forecast import standing

    try:
        left = standing.left(stack)
    except SociometerError as error:
        say(f"What is left of stack {stack} cannot be listed: {error}")
        raise reason from error
    if not left:
        return
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH)
    console.print(f"Still there of stack {stack}, about {usd(usd_per_day(left))} a day in all:")
    console.print(_table(left))
    say(f"`sociometer down --stack {stack}` tries again.")


def _table(left: Sequence[Leftover]) -> Table:
    table = Table("resource", "type", "id", "USD a day", box=None, pad_edge=False)
    table.columns[2].overflow = "fold"
    for entry in sorted(left, key=_dearest_first):
        price = "by its use" if entry.usd_per_day is None else f"{entry.usd_per_day:.2f}" if entry.usd_per_day else "-"
        table.add_row(entry.name, entry.type.rpartition(":")[2], entry.id or "may be there", price)
    return table


def _dearest_first(entry: Leftover) -> tuple[bool, float, str, str]:
    """What costs nothing comes last, what costs an unknown sum just before it."""
    return entry.usd_per_day == 0, -(entry.usd_per_day or 0), entry.type, entry.name
