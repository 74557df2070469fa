"""A stack of a test's own through the real Pulumi engine: inline program, file backend, nothing shared."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Literal

from pulumi import automation as auto

from kit.toolchain.toolbox import tools_path


class EngineStack:
    """One stack in a folder; ``program`` may be changed between runs."""

    def __init__(self, folder: Path, program: Callable[[], None]) -> None:
        self.program = program
        for name in ("state", "home", "work"):
            (folder / name).mkdir()
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{tools_path()}"  # where the CLI is looked for
        environment = {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.stack = auto.create_or_select_stack(
            stack_name="test",
            project_name="standin",
            program=lambda: self.program(),
            opts=auto.LocalWorkspaceOptions(work_dir=str(folder / "work"), env_vars=environment),
        )

    def up(self) -> dict[str, Any]:
        """Deploy; gives the outputs."""
        return {name: output.value for name, output in self.stack.up().outputs.items()}

    def preview(self) -> dict[str, int]:
        """What a deployment would change, counted by operation; empty when nothing."""
        return _changes(self.stack.preview().change_summary)

    def refresh(self) -> dict[str, int]:
        """Look at what is really there; gives what that changed in the state."""
        return _changes(self.stack.refresh().summary.resource_changes or {})

    def destroy(self) -> None:
        """Take everything down."""
        self.stack.destroy()

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources in the state by name: their ids and outputs."""
        deployment = self.stack.export_stack().deployment or {}
        return {
            entry["urn"].rpartition("::")[2]: {**entry.get("outputs", {}), "id": entry.get("id")}
            for entry in deployment.get("resources", [])
        }


def failure(folder: Path, program: Callable[[], None], run: Literal["preview", "up"] = "preview") -> str:
    """What a run says that fails; ``program`` is a function of a module, or a `partial` of one.

    In a process of its own: the SDK leaves the event loop and sockets of a failed inline program open.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_failed, folder, program, run).result()


def _failed(folder: Path, program: Callable[[], None], run: Literal["preview", "up"]) -> str:
    stack = EngineStack(folder, program)
    try:
        done = stack.preview() if run == "preview" else stack.up()
    except auto.CommandError as error:
        return str(error)
    raise AssertionError(f"The {run} succeeded: {done}")


def _changes(summary: Mapping[Any, int]) -> dict[str, int]:
    named = {str(getattr(kind, "value", kind)): count for kind, count in summary.items()}
    return {kind: count for kind, count in named.items() if kind != "same"}
