"""Where the tasks of a stack can run: picks the executor for its target."""

from __future__ import annotations

from sociometer.errors import SettingsError
from sociometer.experiments.executor import Executor
from sociometer.infra.outputs import StackOutputs


def open_executor(outputs: StackOutputs, *, profile: str, timeout_seconds: float) -> Executor:
    """The executor for a stack's target; a task that has not booted after ``timeout_seconds`` gets that outcome."""
    if outputs.target == "lab":
        from sociometer.experiments.lab_tasks import LabExecutor  # its network libraries are needed for a sweep alone

        return LabExecutor(outputs, profile=profile, timeout_seconds=timeout_seconds)
    raise SettingsError(f"Tasks cannot be run on the target {outputs.target!r} yet. Allowed: lab.")
