"""Opens stacks: in their folder, and in the environment in which Pulumi finds their state, the tools and Python.

The same for us and for a `pulumi` command typed by hand: the folder that `files.prepare` fills; state in the
configured backend, or else in files below the data directory. This process's own environment is left as it is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import LocalWorkspace, LocalWorkspaceOptions, Stack, create_or_select_stack, select_stack

from infra.automation import lock, state
from infra.automation.command import OrderlyPulumi
from infra.automation.files import prepare, prepare_project, pulumi_command
from infra.fargate.tags import STACK as STACK_TAG
from infra.outputs import ON_AWS
from infra.program import deploy
from infra.settings.model import NAMESPACE, Settings
from kit.errors import StackError
from kit.files import private_folder
from kit.paths import asset, data_dir
from kit.toolchain import toolbox


def environment() -> dict[str, str]:
    """What `pulumi` needs beside this process's environment to find the same state, tools and Python.

    Makes the folder of the state where that is ours.
    """
    ours = {
        "PATH": _path(),
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if (backend := _default_backend()) is not None:
        ours["PULUMI_BACKEND_URL"] = backend
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
        ours["PULUMI_CONFIG_PASSPHRASE"] = ""
    return ours


def open_stack(name: str) -> Stack:
    """The stack, made if there is none yet; raises `SettingsError` for a name that no stack can have."""
    return create_or_select_stack(name, project_name=NAMESPACE, program=deploy, opts=_options(prepare(name)))


def existing_stack(name: str) -> Stack:
    """The stack; raises Pulumi's `StackNotFoundError` when there is none."""
    return select_stack(name, project_name=NAMESPACE, program=deploy, opts=_options(prepare(name)))


def names() -> list[str]:
    """The stacks of this project that hold something, in the backend that is in use."""
    stacks = _workspace(prepare_project()).list_stacks()
    return [entry.name.rpartition("/")[2] for entry in stacks if entry.resource_count]


def deployment(name: str) -> Mapping[str, Any]:
    """The state of the stack, for `infra.automation.exported`; raises Pulumi's `StackNotFoundError` when
    there is no such stack.
    """
    return _workspace(prepare(name)).export_stack(name).deployment or {}


def configure(stack: Stack, settings: Mapping[str, object]) -> Settings:
    """Write settings over those that the stack has (None removes one) and give the result, checked before."""
    kept = {key: entry.value for key, entry in stack.get_all_config().items() if key.startswith(f"{NAMESPACE}:")}
    new = {f"{NAMESPACE}:{key.removeprefix(f'{NAMESPACE}:')}": value for key, value in settings.items()}
    checked = Settings.parse({key: value for key, value in (kept | new).items() if value is not None})
    if gone := [key for key, value in new.items() if value is None and key in kept]:
        stack.remove_all_config(gone)
    if there := {key: value for key, value in new.items() if value is not None}:
        stack.set_all_config_json(json.dumps({key: _config_value(key, value, checked) for key, value in there.items()}))
    return checked


def pending(stack: Stack) -> list[Mapping[str, Any]]:
    """The changes in whose middle an earlier run was killed: what they made may be there, and no state knows it."""
    return list((stack.export_stack().deployment or {}).get("pending_operations") or ())


def demand_room() -> None:
    """Raise `MachineError` where a change would cut the stacks' state for lack of room."""
    state.demand_room(_backend())


def refuse_cut(stack: str) -> None:
    """Raise `StackError` where the stack's state is cut already."""
    state.refuse_cut(stack, _backend())


def refuse_held(stack: str) -> None:
    """Raise `StackError` naming who is changing the stack now, before its settings are touched."""
    held = _lock(stack)
    if held is not None and not held.is_stale:
        raise StackError(held.message(stack))


def refuse_pending(stack: Stack) -> None:
    """Raise `StackError` when an earlier run was killed in the middle of changes, naming them and what to do, or when
    one is in the middle of changes now, naming that.
    """
    if operations := pending(stack):
        clear = _clearing(stack.name)
        names = ", ".join(f"{urn.rpartition('::')[2]} ({kind})" for urn, kind in map(_resource, operations))
        raise StackError(
            f"An earlier run on stack {stack.name} was killed in the middle of: {names}. "
            f"`{clear}` clears it. "
            f"Then run `sociometer up --stack {stack.name}`."
        )


def refuse_unknown(stack: Stack) -> None:
    """Raise `StackError` when AWS may have made something that no state knows, so that nobody would remove it."""
    on_aws = [entry for entry in map(_resource, pending(stack)) if entry[1].startswith(ON_AWS)]
    if on_aws:
        clear = _clearing(stack.name)
        names = ", ".join(f"{urn.rpartition('::')[2]} ({kind})" for urn, kind in on_aws)
        raise StackError(
            f"An earlier run on stack {stack.name} was killed while AWS made: {names}. It may be there, and bills. "
            f"`aws resourcegroupstaggingapi get-resources --tag-filters Key={STACK_TAG},Values={stack.name}` lists it; "
            f"delete it, then `{clear}`, and "
            f"`sociometer down --stack {stack.name}` removes the rest."
        )


def _clearing(stack: str) -> str:
    """The command that clears what a killed run left pending, with its lock; raises `StackError` if it still runs."""
    refuse_held(stack)
    refresh = pulumi_command(stack, "refresh --yes --clear-pending-creates")
    if _lock(stack) is None:
        return refresh
    return f"{pulumi_command(stack, 'cancel --yes')} && {refresh.partition(' && ')[2]}"


def _lock(stack: str) -> lock.Lock | None:
    return lock.held(stack, _backend())


def _backend() -> str | None:
    return environment().get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_BACKEND_URL")


def _resource(operation: Mapping[str, Any]) -> tuple[str, str]:
    """The URN and type of what a pending operation is about."""
    resource = operation["resource"]
    return str(resource["urn"]), str(resource.get("type", operation["type"]))


def _workspace(folder: Path) -> LocalWorkspace:
    options = _options(folder)
    return LocalWorkspace(options.work_dir, env_vars=options.env_vars, pulumi_command=options.pulumi_command)


def _options(folder: Path) -> LocalWorkspaceOptions:
    pulumi = OrderlyPulumi(toolbox.tool("pulumi"), toolbox.version("pulumi"))
    return LocalWorkspaceOptions(work_dir=str(folder), env_vars=environment(), pulumi_command=pulumi)


def _path() -> str:
    """This Python first (Pulumi's language host takes what it finds), then our tools, then the rest, each once."""
    return os.pathsep.join(dict.fromkeys([str(Path(sys.executable).parent), *toolbox.tools_path().split(os.pathsep)]))


def _default_backend() -> str | None:
    """Files below the data directory, in a folder made for them; None if environment or project name a backend."""
    project = yaml.safe_load(asset("Pulumi.yaml").read_text())
    if os.environ.get("PULUMI_BACKEND_URL") or project.get("backend", {}).get("url"):
        return None
    return private_folder(data_dir() / "pulumi").as_uri()


def _config_value(key: str, value: object, checked: Settings) -> dict[str, object]:
    """As `pulumi config set-all --json` reads it: text, and the object itself where the key holds a list or object."""
    held = checked.model_dump(mode="json", by_alias=True)[key.removeprefix(f"{NAMESPACE}:")]
    if isinstance(held, list | dict):
        return {"value": json.dumps(held), "objectValue": held}
    return {"value": json.dumps(value) if isinstance(value, bool) else str(value)}
