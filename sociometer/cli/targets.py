"""The targets `lab`, `fargate` and `sim` as objects that answer whatever differs between them.

No command asks which target it works on. `choosing` makes these objects from the options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from experiments.executors import choose
from experiments.forecast.duration import FargateModel, Model, TargetModel, Treatment
from experiments.plan.plan import Payload, Plan, Stopping, check_against_stack, make_plan
from experiments.plan.presets import preset
from experiments.records.model import Round
from experiments.store.sweeps import Sweep
from infra.automation import files
from infra.oci.soci import require_linux
from infra.outputs import StackOutputs
from infra.settings.model import BUILT_IN_VARIANTS, Settings
from infra.variants import LayerBytes
from kit.errors import SettingsError
from kit.machine import doctor
from kit.machine.check import Check
from sociometer.cli import actions, spending, weights
from sociometer.cli.options import Changes, chosen_plan, chosen_profile
from sociometer.cli.progress import say
from sociometer.cli.weights import Weights

WITHOUT_AWS = "the lab, the simulation, plan, report and export of records that are there"


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
        drawn = chosen_plan(self.plan, changes)
        complete = self.complete_settings({**_settings_of(drawn), **settings})
        plan = chosen_plan(self.plan, changes.on(complete.all_variants))
        plan = make_plan(plan.design.model_copy(update={"payload": Payload.of(complete)}))
        for variant in plan.design.variants:
            self._check_measurable(variant, complete)
        if missing := [form for form in plan.design.forms if form not in complete.forms]:
            raise SettingsError(f"The settings leave out the form {missing[0]}, which the plan measures: see --forms.")
        return plan

    def make(self, plan: Plan, settings: Mapping[str, object]) -> StackOutputs:
        """Make the stack for a plan, and give its outputs."""
        return self.checked(actions.up(self.stack, self.settings_to_set({**_settings_of(plan), **settings})))

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
        own = _own(plan)
        if not own:
            return Weights()
        outputs = None if settings else actions.outputs_if_up(self.stack)
        if outputs is not None and outputs.variants.keys() >= set(own):
            return weights.of_outputs(outputs, own)
        return weights.of_settings(self.complete_settings({**_settings_of(plan), **settings}), own)

    def _check_measurable(self, variant: str, settings: Settings) -> None:
        if variant not in settings.all_variants:
            variants = ", ".join(settings.all_variants)
            raise SettingsError(f"The stack would have no variant {variant!r}. With these settings it has: {variants}.")


class Lab(Target):
    """A miniature Fargate on this machine."""

    name = "lab"
    default_plan = "default"

    def complete_settings(self, wanted: Mapping[str, object]) -> Settings:
        """Without what the lab cannot give to a container."""
        settings = super().complete_settings(wanted)
        settings.require_lab()
        return settings

    def plan_of(self, changes: Changes, stack: str | None) -> Plan:
        """A named stack says itself what it has, as for a sweep."""
        if stack is None:
            return super().plan_of(changes, stack)
        outputs, plan = self.prepared(changes, None)
        check_against_stack(plan, outputs)
        return plan

    def forecast(self, plan: Plan, store: Path, profile: str | None, settings: Mapping[str, object]) -> Forecast:
        """By the lab's profile and this machine's cores."""
        from infra.lab.profiles import profile as profile_of

        chosen = profile_of(chosen_profile(profile))
        rate = chosen.rate_bits_per_second or TargetModel().rate_bits_per_second
        found = self._weights(plan, settings)
        model = TargetModel(
            vcpu=chosen.vcpu,
            rate_bits_per_second=rate,
            cores=os.cpu_count() or 1,
            layer_bytes=found.layer_bytes,
        )
        known = actions.earlier_seconds(store, plan, self.name, chosen.name, found.exact)
        return Forecast(known, model, None, found)

    def clear(self) -> list[str]:
        """Processes, namespaces, mounts and folders."""
        from infra.lab.cluster import clear_orphans  # its network libraries are needed here alone

        return clear_orphans()

    def examine(self) -> tuple[Sequence[Check], str]:
        """What `kit.machine.doctor` says."""
        return doctor.examine(), doctor.STILL_WORKS


class Fargate(Target):
    """AWS; a new stack starts from the settings that ship for it."""

    name = "fargate"
    spends = True

    def settings_to_set(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """With those that ship, for a stack that has none yet."""
        shipped = {} if files.settings(self.stack) else files.fargate_defaults()
        return {**shipped, "target": self.name, **wanted}

    def confirm(
        self, plan: Plan, rounds: Sequence[Round], store: Path, made: Mapping[str, object] | StackOutputs, *, yes: bool
    ) -> None:
        """Raises what `spending.confirm` raises; and where SOCI images cannot be made, says so before it asks."""
        if isinstance(made, StackOutputs):
            complete = self.complete_settings(_settings_of(plan))
            known = self._known(store, plan, complete, made.layer_bytes)
            bill = spending.bill(plan, rounds, known, complete, made.layer_bytes, make=False)
        else:
            require_linux()
            complete = self.complete_settings({**_settings_of(plan), **made})
            found = weights.of_settings(complete, _own(plan))
            known = self._known(store, plan, complete, found.exact)
            bill = spending.bill(plan, rounds, known, complete, found.layer_bytes, make=True)
            for note in found.notes():
                say(note)
        spending.warn_of_nobody(complete)
        spending.confirm(bill, yes=yes)

    def forecast(self, plan: Plan, store: Path, profile: str | None, settings: Mapping[str, object]) -> Forecast:  # noqa: ARG002
        """By the size of its tasks, with the bill for making the stack and running the rounds."""
        complete = self.complete_settings({**_settings_of(plan), **settings})
        found = self._weights(plan, settings)
        known = self._known(store, plan, complete, found.exact)
        bill = spending.bill(plan, plan.rounds, known, complete, found.layer_bytes, make=True)
        return Forecast(known, spending.model_of(complete, found.layer_bytes), bill, found)

    def clear(self) -> list[str]:
        """The tasks of the stack's services."""
        return choose.clear_services(self.outputs())

    def examine(self) -> tuple[Sequence[Check], str]:
        """What `infra.fargate.doctor` says, for the stack's settings and the rounds of the plan."""
        from infra.fargate.doctor import examine  # boto3 is slow to import

        most = max(preset(self.plan).design.task_counts)
        return examine(self.complete_settings({}), most), WITHOUT_AWS

    def _known(self, store: Path, plan: Plan, settings: Settings, sizes: LayerBytes) -> dict[Treatment, float]:
        """What rounds like these took before, with tasks of the same size."""
        task_size = f"{settings.cpu_units}/{settings.memory_mebibytes}"
        return actions.earlier_seconds(store, plan, self.name, task_size, sizes)


class Sim(Target):
    """A simulation: it has no stack, and ``--set`` changes its parameters. Its name stands for a stack in records."""

    name = "sim"
    has_stack = False

    def require_stack(self) -> None:
        """Always raises."""
        raise SettingsError("A simulation has no stack. `sociometer run --target sim` needs none.")

    def plan_to_make(self, changes: Changes, settings: Mapping[str, object]) -> Plan:  # noqa: ARG002
        """The preset's, with the changes."""
        return chosen_plan(self.plan, changes)

    def make(self, plan: Plan, settings: Mapping[str, object]) -> StackOutputs:  # noqa: ARG002
        """What stands for a stack's outputs."""
        return choose.simulated_outputs(plan.design)

    def examine(self) -> tuple[Sequence[Check], str]:
        """It needs nothing."""
        return (), ""

    def prepared(self, changes: Changes, stopping: Stopping | None) -> tuple[StackOutputs, Plan]:
        """The outputs are made up for the plan."""
        plan = chosen_plan(self.plan, changes, stopping)
        return choose.simulated_outputs(plan.design), plan

    def parameters(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """All that ``--set`` says."""
        return settings

    def resumed(self, earlier: Sweep) -> tuple[StackOutputs, Mapping[str, object]]:
        """Those that it had."""
        return earlier.outputs, choose.parameters_of(earlier.key_metadata)

    def forecast(self, plan: Plan, store: Path, profile: str | None, settings: Mapping[str, object]) -> Forecast:  # noqa: ARG002
        """As Fargate's, for that is what it imitates."""
        chosen_profile(profile)
        sizes = choose.simulated_outputs(plan.design).layer_bytes
        stand_ins = Weights(stand_ins={name: sizes[name] for name in _own(plan)})
        known = actions.earlier_seconds(store, plan, self.name, None, sizes)
        return Forecast(known, FargateModel(layer_bytes=sizes), None, stand_ins)


def _settings_of(plan: Plan) -> dict[str, object]:
    """What a plan asks of its stack."""
    design = plan.design
    return {"variants": list(design.variants), "forms": list(design.forms), **design.payload.settings()}


def _own(plan: Plan) -> list[str]:
    """The plan's variants that are not built in."""
    return [variant for variant in plan.design.variants if variant not in BUILT_IN_VARIANTS]
