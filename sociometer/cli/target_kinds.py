"""The targets `lab`, `fargate` and `sim`: where each differs from the others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.executors import choose
from experiments.forecast.duration import FargateModel, TargetModel, Treatment
from experiments.plan.plan import Plan, Stopping, check_against_stack
from experiments.plan.presets import preset
from experiments.records.model import Round
from experiments.store.sweeps import Sweep
from infra.automation import files
from infra.oci.soci import require_linux
from infra.outputs import StackOutputs
from infra.settings.model import Settings
from infra.variants import LayerBytes
from kit.errors import SettingsError
from kit.machine import doctor
from kit.machine.check import Check
from kit.toolchain import install as installer
from kit.toolchain import needs
from sociometer.cli import actions, spending, weights
from sociometer.cli.options import Changes, chosen_plan, chosen_profile
from sociometer.cli.progress import say
from sociometer.cli.steps import Steps
from sociometer.cli.targets import Forecast, Target, own_variants, settings_of
from sociometer.cli.weights import Weights

WITHOUT_AWS = "the lab, the simulation, plan, report and export of records that are there"


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

    def equip(self, settings: Settings) -> None:
        """What Fargate needs, and what builds the images where Docker does not."""
        installer.install(needs.tools_for(self.name, with_buildkit=settings.built_by_buildkit), Steps())

    def confirm(
        self, plan: Plan, rounds: Sequence[Round], store: Path, made: Mapping[str, object] | StackOutputs, *, yes: bool
    ) -> None:
        """Raises what `spending.confirm` raises; and where SOCI images cannot be made, says so before it asks."""
        if isinstance(made, StackOutputs):
            complete = self.complete_settings(settings_of(plan))
            known = self._known(store, plan, complete, made.layer_bytes)
            bill = spending.bill(plan, rounds, known, complete, made.layer_bytes, make=False)
        else:
            require_linux()
            complete = self.complete_settings({**settings_of(plan), **made})
            if own := own_variants(plan):
                self.equip(complete)  # a registry is asked what they weigh
            found = weights.of_settings(complete, own)
            known = self._known(store, plan, complete, found.exact)
            bill = spending.bill(plan, rounds, known, complete, found.layer_bytes, make=True)
            for note in found.notes():
                say(note)
        spending.warn_of_nobody(complete)
        spending.confirm(bill, yes=yes)
        self.equip(complete)

    def forecast(self, plan: Plan, store: Path, profile: str | None, settings: Mapping[str, object]) -> Forecast:  # noqa: ARG002
        """By the size of its tasks, with the bill for making the stack and running the rounds."""
        complete = self.complete_settings({**settings_of(plan), **settings})
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
        stand_ins = Weights(stand_ins={name: sizes[name] for name in own_variants(plan)})
        known = actions.earlier_seconds(store, plan, self.name, None, sizes)
        return Forecast(known, FargateModel(layer_bytes=sizes), None, stand_ins)
