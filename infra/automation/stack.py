"""A stack from Python: up, outputs, preview and down through Pulumi's Automation API, with the program inline.

Project file, stack configuration and state are the ones that the `pulumi` command uses in the same folder, so that
both can be used in turn: `environment` is what that command needs. Errors are the cause in one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi.automation import OpType, OutputMap, Stack
from pulumi.automation.errors import CommandError, StackNotFoundError

from infra.automation import files, workspace
from infra.automation.events import Events, cause
from infra.lab import registry
from infra.outputs import OUTPUT_NAME, StackOutputs
from kit.errors import StackError
from kit.values import Notify


def up(stack: str, settings: Mapping[str, object], notify: Notify) -> StackOutputs:
    """Make the stack as its settings say, after a look at what is really there, and give its outputs.

    ``settings`` (bare keys) are kept in the stack's configuration beside those that were there; None removes one.
    Raises `SettingsError` before anything is changed, and what else goes wrong as the error that it was.
    """
    with _explained(stack, notify) as events:
        opened = workspace.open_stack(stack)
        workspace.configure(opened, settings)
        _tell_what_is_beside(stack, notify)
        workspace.refuse_pending(opened)
        result = opened.up(refresh=True, on_event=events, color="never", suppress_progress=True)
    return _parsed(result.outputs)


def outputs(stack: str) -> StackOutputs:
    """The outputs of a stack that is up; raises `StackError` when there is no such stack, or no outputs."""
    with _explained(stack):
        return _parsed(workspace.existing_stack(stack).outputs())


def preview_changes(stack: str) -> int:
    """How many resources `up` would change, make or remove; what is really there is not looked at."""
    with _explained(stack) as events:
        summary = workspace.existing_stack(stack).preview(on_event=events, color="never").change_summary
    return sum(count for kind, count in summary.items() if kind != OpType.SAME)


def down(stack: str, notify: Notify) -> None:
    """Remove everything of a stack, then the stack, and verify that nothing is left; no error when there is none.

    Raises `StackError` and keeps the stack while there may be something on AWS that its state does not know.
    """
    with _explained(stack, notify) as events:
        if (opened := _if_there(stack)) is None:
            notify(f"There is no stack {stack}.")
        else:
            opened.destroy(on_event=events, color="never", suppress_progress=True)
            workspace.refuse_unknown(opened)
            opened.workspace.remove_stack(stack)
    registry.remove(registry.registry_folder(stack))


def deployment(stack: str) -> Mapping[str, Any]:
    """The stack's state as Pulumi exports it (its `deployment`); empty when there is no such stack."""
    with _explained(stack):
        opened = _if_there(stack)
        return {} if opened is None else opened.export_stack().deployment or {}


def _tell_what_is_beside(stack: str, notify: Notify) -> None:
    """A committed file does not show what commands have set; whoever reads it should know that there is more."""
    if beside := files.set_beside(stack):
        notify(f"set by commands, beside Pulumi.{stack}.yaml: {', '.join(beside)}")


def _if_there(stack: str) -> Stack | None:
    try:
        return workspace.existing_stack(stack)
    except StackNotFoundError:
        return None


def _parsed(values: OutputMap) -> StackOutputs:
    found = values.get(OUTPUT_NAME)
    return StackOutputs.parse(None if found is None else found.value)


@contextmanager
def _explained(stack: str, notify: Notify | None = None) -> Iterator[Events]:
    """Listens to the Pulumi runs inside, reminds of what takes long, and turns a failed one into its cause."""
    events = Events(notify) if notify else Events()
    try:
        with events.reminding():
            yield events
    except StackNotFoundError as error:
        raise StackError(f"There is no stack {stack}. `sociometer up --stack {stack}` makes it.") from error
    except CommandError as error:
        raise cause(stack, str(error), events.errors) from error
