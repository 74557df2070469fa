"""Makes, reads and removes stacks from Python, through Pulumi's Automation API, with the program inline.

Project file, configuration and state are those that a `pulumi` command uses in the same folder and environment, so
both can be used in turn. A failed run becomes one error that states the cause in one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi.automation import Stack, UpResult
from pulumi.automation.errors import CommandError, StackNotFoundError

from infra.automation import exported, files, workspace
from infra.automation.claims import claimed
from infra.automation.events import Events, cause
from infra.lab import registry
from infra.outputs import OUTPUT_NAME, StackOutputs
from infra.settings.model import Settings
from kit.errors import StackError
from kit.values import Notify

_TERSE: Mapping[str, Any] = {"color": "never", "suppress_progress": True, "show_secrets": False}
"""Nothing for a terminal, and no summary with its secrets, which take a third of a second to open."""


def up(stack: str, settings: Mapping[str, object], notify: Notify) -> StackOutputs:
    """Make the stack as its settings say, after a refresh, and return its outputs.

    ``settings`` (bare keys) are added to the stack's configuration; None removes one. Raises `SettingsError` before
    anything is changed, `StoreError` while another command of this machine uses the stack; any other failure is raised
    as its cause.
    """
    with claimed(stack), _explained(stack, notify) as events:
        workspace.demand_room()
        opened = workspace.open_stack(stack)
        workspace.refuse_held(stack)
        _warn_of_shown(workspace.configure(opened, settings), notify)
        _tell_what_is_beside(stack, notify)
        workspace.refuse_pending(opened)
        result = _up(opened, events)
    return _parsed({name: output.value for name, output in result.outputs.items()})


def _up(opened: Stack, events: Events) -> UpResult:
    """One failed image stops only what depends on it, so that the others are made, and every failure is told."""
    try:
        return opened.up(refresh=True, continue_on_error=True, on_event=events, **_TERSE)
    except CommandError:
        registry.forget_uploads(registry.registry_folder(opened.name))
        raise


def outputs(stack: str) -> StackOutputs:
    """The outputs of a stack that is up; raises `StackError` when there is no such stack, or no outputs."""
    with _explained(stack):
        return _parsed(exported.outputs(workspace.deployment(stack)))


def outputs_if_up(stack: str) -> StackOutputs | None:
    """The outputs of a stack; None when there is none, or when it has no outputs yet."""
    values = exported.outputs(deployment(stack))
    return _parsed(values) if OUTPUT_NAME in values else None


def down(stack: str, notify: Notify) -> None:
    """Remove all resources of a stack, then the stack; no error when there is none.

    Raises `StackError` and keeps the stack while there may be something on AWS that its state does not know, and
    `StoreError` while another command of this machine uses it.
    """
    with claimed(stack):
        with _explained(stack, notify) as events:
            workspace.demand_room()
            try:
                opened = workspace.existing_stack(stack)
            except StackNotFoundError:
                notify(f"There is no stack {stack}.")
            else:
                opened.destroy(on_event=events, **_TERSE)
                workspace.refuse_unknown(opened)
                opened.workspace.remove_stack(stack)
        registry.remove(registry.registry_folder(stack))


def deployment(stack: str) -> Mapping[str, Any]:
    """The stack's state as Pulumi exports it (its `deployment`); empty when there is no such stack."""
    with _explained(stack):
        try:
            return workspace.deployment(stack)
        except StackNotFoundError:
            return {}


def _warn_of_shown(settings: Settings, notify: Notify) -> None:
    if shown := settings.shown_to_all():
        notify(
            f"warning: the value of {', '.join(shown)} can be read by all in the stack's settings, its state and the "
            "records. Give one that opens nothing, or on fargate --secret NAME=ARN."
        )


def _tell_what_is_beside(stack: str, notify: Notify) -> None:
    """Commands set values that the committed file does not show: name them."""
    if beside := files.set_beside(stack):
        notify(f"set by commands, beside Pulumi.{stack}.yaml: {', '.join(beside)}")


def _parsed(values: Mapping[str, Any]) -> StackOutputs:
    return StackOutputs.parse(values.get(OUTPUT_NAME))


@contextmanager
def _explained(stack: str, notify: Notify | None = None) -> Iterator[Events]:
    """Events for the Pulumi runs inside the block, with reminders; a failed run is raised as its cause."""
    events = Events(notify) if notify else Events()
    try:
        with events.reminding():
            yield events
    except StackNotFoundError as error:
        raise StackError(f"There is no stack {stack}. `sociometer up --stack {stack}` makes it.") from error
    except CommandError as error:
        workspace.refuse_cut(stack)
        raise cause(stack, str(error), events.errors) from error
