"""A sweep as stored: its plan, its stack's outputs and its key metadata."""

from __future__ import annotations

from experiments.plan.plan import Plan
from infra.outputs import StackOutputs
from kit.values import Frozen


class Sweep(Frozen):
    """A sweep as it was started; ``status`` stays `running` if its process was killed."""

    id: str
    created_ns: int
    stack: str
    status: str
    plan: Plan
    key_metadata: dict[str, str]
    outputs: StackOutputs

    @property
    def resume_command(self) -> str:
        """What goes on with it."""
        return f"sociometer {'sweep' if self.plan.race is None else 'tune'} --resume {self.id}"
