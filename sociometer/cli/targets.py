"""What a command asks of a target, and how a target with a stack answers. `target_kinds` has the three that there are.

No command asks which target it works on. `choosing` makes these objects from the options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from experiments.forecast.duration import Model, Treatment
from experiments.plan.plan import Payload, Plan, Stopping, make_plan
from experiments.records.model import Round
from experiments.store.sweeps import Sweep
from infra.automation import files
from infra.outputs import StackOutputs
from infra.settings.model import BUILT_IN_VARIANTS, Settings
from kit.errors import SettingsError
from kit.machine.check import Check
from sociometer.cli import actions, spending, weights
from sociometer.cli.options import Changes, chosen_plan
from sociometer.cli.weights import Weights


class Forecast(NamedTuple):
    """How long rounds took before, the model for the others, the bill where it costs money; what own images weigh."""

    known: Mapping[Treatment, float]
    model: Model
    bill: spending.Bill | None = None
    weights: Weights = Weights()


@dataclass(frozen=True)
class Target:
    """A stack's name and the name of the plan to start from; the methods are those of a target that has a stack."""

    stack: str
    plan: str
    name: ClassVar[str]
    default_plan: ClassVar[str] = "fargate"
    spends: ClassVar[bool] = False
    """Whether work here costs money."""
    has_stack: ClassVar[bool] = True

    def require_stack(self) -> None:
        """Raise `SettingsError` where a command about stacks makes no sense."""

    def equip(self, settings: Settings) -> None:
        """Install the tools that are missing for a stack with these settings, where that takes no rights of root."""

    def settings_to_set(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """The settings to write when the stack is made."""
        return dict(wanted)

    def complete_settings(self, wanted: Mapping[str, object]) -> Settings:
        """All settings that the stack will have; raises `SettingsError` for what cannot be."""
        return Settings.parse({**files.settings(self.stack), **self.settings_to_set(wanted)})

    def region(self, wanted: Mapping[str, object]) -> str:
        """The region of AWS that the stack is or will be in, with these settings."""
        known = {**files.settings(self.stack), **self.settings_to_set(wanted)}
        return str(known.get("region", Settings.model_fields["region"].default))

    def plan_to_make(self, changes: Changes, settings: Mapping[str, object]) -> Plan:
        """The plan for a stack that is made for it: variants and sizes follow the user's own settings.

        Raises `SettingsError`, before anything is made or paid for, if the stack could not be measured by the plan.
        """
        drawn = chosen_plan(self.plan, changes._replace(control=None))
        complete = self.complete_settings({**settings_of(drawn), **settings})
        plan = chosen_plan(self.plan, changes.on(complete.all_variants))
        plan = make_plan(plan.design.model_copy(update={"payload": Payload.of(complete)}))
        for variant in plan.design.variants:
            self._check_measurable(variant, complete)
        if missing := [form for form in plan.design.forms if form not in complete.forms]:
            raise SettingsError(f"The settings leave out the form {missing[0]}, which the plan measures: see --forms.")
        return plan

    def make(self, plan: Plan, settings: Mapping[str, object]) -> StackOutputs:
        """Make the stack for a plan, and give its outputs."""
        return self.checked(actions.up(self.stack, self.settings_to_set({**settings_of(plan), **settings})))

    def outputs(self) -> StackOutputs:
        """The outputs of the stack, which is up."""
        return self.checked(actions.outputs(self.stack))

    def checked(self, outputs: StackOutputs) -> StackOutputs:
        """The outputs, if they are of this target; else raises `SettingsError`."""
        if outputs.target != self.name:
            raise SettingsError(
                f"Stack {self.stack} is up on {outputs.target}, not on {self.name}. Leave out --target, or name "
                "another --stack."
            )
        return outputs

    def prepared(self, changes: Changes, stopping: Stopping | None) -> tuple[StackOutputs, Plan]:
        """What is there to measure, and the plan for it."""
        outputs = self.outputs()
        return outputs, chosen_plan(self.plan, changes.on(outputs.variants), stopping)

    def parameters(self, settings: Mapping[str, object]) -> Mapping[str, object]:  # noqa: ARG002
        """The executor's parameters out of what ``--set`` says."""
        return {}

    def resumed(self, earlier: Sweep) -> tuple[StackOutputs, Mapping[str, object]]:  # noqa: ARG002
        """Outputs and executor's parameters for going on with a sweep."""
        return self.outputs(), {}

    def confirm(
        self, plan: Plan, rounds: Sequence[Round], store: Path, made: Mapping[str, object] | StackOutputs, *, yes: bool
    ) -> None:
        """Show what rounds of a plan cost and ask; free unless on AWS.

        ``made`` are the settings of a stack that will be made, or the outputs of one that is up.
        """

    def plan_of(self, changes: Changes, stack: str | None) -> Plan:
        """A plan for looking at it, checked against what there is; ``stack`` is the one that the user named."""
        plan = chosen_plan(self.plan, changes)
        self.check_variants(plan, stack)
        return plan

    def check_variants(self, plan: Plan, stack: str | None) -> None:  # noqa: ARG002
        """Raise `SettingsError` for a variant that there is not; ``stack`` is the one that the user named."""
        images = Settings.parse({"images": files.settings(self.stack).get("images", {})}).images
        known = (*BUILT_IN_VARIANTS, *images)
        for variant in plan.design.variants:
            if variant not in known:
                raise SettingsError(
                    f"There is no variant {variant!r}. Allowed: {', '.join(known)}, or what the stack of --stack has."
                )

    def forecast(self, plan: Plan, store: Path, profile: str | None, settings: Mapping[str, object]) -> Forecast:
        """How long a plan's rounds will take here, and what they will cost.

        ``settings`` are the user's own for a stack that is yet to be made. Raises where an own image cannot be found.
        """
        raise NotImplementedError

    def clear(self) -> list[str]:
        """Clear what a killed sweep left; gives what was cleared, in words."""
        raise NotImplementedError

    def examine(self) -> tuple[Sequence[Check], str]:
        """Whether it can be used from this machine, check by check, and what works without it."""
        raise NotImplementedError

    def _weights(self, plan: Plan, settings: Mapping[str, object]) -> Weights:
        """What a plan's own images weigh: by the stack, if it is up and no other is wanted; else where they are."""
        own = own_variants(plan)
        if not own:
            return Weights()
        outputs = None if settings else actions.outputs_if_up(self.stack)
        if outputs is not None and outputs.variants.keys() >= set(own):
            return weights.of_outputs(outputs, own)
        return weights.of_settings(self.complete_settings({**settings_of(plan), **settings}), own)

    def _check_measurable(self, variant: str, settings: Settings) -> None:
        if variant not in settings.all_variants:
            variants = ", ".join(settings.all_variants)
            raise SettingsError(f"The stack would have no variant {variant!r}. With these settings it has: {variants}.")


def settings_of(plan: Plan) -> dict[str, object]:
    """What a plan asks of its stack."""
    design = plan.design
    return {"variants": list(design.variants), "forms": list(design.forms), **design.payload.settings()}


def own_variants(plan: Plan) -> list[str]:
    """The plan's variants that are not built in."""
    return [variant for variant in plan.design.variants if variant not in BUILT_IN_VARIANTS]
