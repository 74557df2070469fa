"""A stack of a test's own through the real Pulumi engine: inline program, file backend, nothing shared."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi import automation as auto

from sociometer.oci.toolbox import tools_path


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
        """What a deployment would do, counted by operation."""
        summary = self.stack.preview().change_summary
        return {str(getattr(kind, "value", kind)): count for kind, count in summary.items()}

    def refresh(self) -> dict[str, int]:
        """Look at what is really there; gives what changed in the state."""
        return dict(self.stack.refresh().summary.resource_changes or {})

    def destroy(self) -> None:
        """Take everything down."""
        self.stack.destroy()

    def resources(self) -> dict[str, dict[str, Any]]:
        """Outputs of the resources in the state, by name."""
        deployment = self.stack.export_stack().deployment or {}
        return {entry["urn"].rpartition("::")[2]: entry.get("outputs", {}) for entry in deployment.get("resources", [])}
