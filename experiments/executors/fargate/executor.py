"""The Fargate executor: opens a stack's services, runs rounds on them, and leaves all of them without tasks.

A simulation of ECS runs the same code with another `Aws` and another `Clock`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from types import TracebackType
from typing import Self

from experiments.executors.fargate.aws import Aws, Clock, Document
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.lease import Lease
from experiments.executors.fargate.orphans import CLAIM_SECONDS, claimed, describe, empty, opened
from experiments.executors.fargate.outcomes import Promise
from experiments.executors.fargate.round import FargateRound
from experiments.executors.fargate.service import Service
from experiments.executors.fargate.stage import Stage, fargate_of
from experiments.executors.protocol import NotifyPhase
from experiments.records.model import Round, RoundObservation
from infra.forms import FormSpec, is_lazy
from infra.outputs import ServiceOutput, StackOutputs, TreatmentOutput, VariantOutput
from kit.errors import AwsError, SettingsError, StackError


class FargateExecutor:
    """Runs rounds on ECS Fargate; see `experiments.executors.protocol.Executor`.

    A task that has not booted ``timeout_seconds`` after its creation gets that outcome. ``random`` is for the waits
    between polls.
    """

    def __init__(
        self, outputs: StackOutputs, *, aws: Aws, clock: Clock, timeout_seconds: float, random: Random | None = None
    ) -> None:
        self._outputs, self._stack = outputs, fargate_of(outputs)
        self._stage = Stage(aws, clock, self._stack, timeout_seconds, random or Random())  # noqa: S311 - jitter
        self._services: dict[str, Service] = {}
        self._held = ExitStack()
        self._lease: Lease | None = None

    def key_metadata(self) -> dict[str, str]:
        """Target, region, platform, size and network of the tasks: what two sweeps must share to be pooled.

        What is as by default is left out where sweeps of former versions did not name it.
        """
        stack = self._stack
        named = stack.model_dump(include={"network", "ephemeral_storage_gib"}, exclude_defaults=True)
        return {
            "target": self._outputs.target,
            "profile": f"{stack.cpu_units}/{stack.memory_mebibytes}",
            "region": stack.region,
            "platform": self._outputs.platform,
            "platform_version": stack.platform_version,
            "cpu_units": str(stack.cpu_units),
            "memory_mebibytes": str(stack.memory_mebibytes),
            **{key: str(value) for key, value in named.items()},
        }

    def check(self, rounds: Sequence[Round]) -> None:
        """Raise when the rounds cannot run: no credentials, a service gone or with another image, a form that only the
        lab has."""
        for form in dict.fromkeys(round_.form for round_ in rounds):
            if why := FormSpec.parse(form).lab_only:
                raise SettingsError(f"The form {form} is not available on Fargate: {why}. Measure it in the lab.")
        wanted = {_service(treatment).name: treatment for treatment in map(self._measurable, rounds)}
        described = describe(self._stage.aws, self._stack, list(wanted))
        for name, treatment in wanted.items():
            _check_deployed(_service(treatment), described[name])

    def run_round(self, round_: Round, notify: NotifyPhase) -> RoundObservation:
        """Scale the treatment's service up, watch its tasks boot, and scale it down."""
        treatment = self._treatment(round_)
        output = _service(treatment)
        service = self._services.get(output.name)
        if service is None:
            raise AwsError("The target is not open: use the executor as a context manager.")
        if self._lease is not None:
            self._lease.renew()
        empty([service], self._stage, notify)
        promise = Promise(
            image_digest=treatment.image_digest,
            task_definition=output.task_definition,
            lazy=is_lazy(treatment.form),
            timeout_seconds=self._stage.timeout_seconds,
            ready=_probed(self._outputs.variants[round_.variant]),
        )
        return FargateRound(self._stage, service, promise, round_.task_count, notify).run()

    def __enter__(self) -> Self:
        seconds = self._stage.timeout_seconds + CLAIM_SECONDS  # a round may take that long
        self._lease = self._held.enter_context(claimed(self._outputs, self._stage.aws, self._stage.clock, seconds))
        try:
            services = opened(self._outputs, self._stage)
            empty(services, self._stage)
            for service in services:
                service.remember(AwsTime(self._stage.clock))
        except BaseException:
            self._held.close()
            raise
        self._services = {service.name: service for service in services}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        services, self._services = self._services, {}
        with self._held:
            if self._lease is None or not self._lease.is_lost():  # else the tasks are somebody else's
                empty(services.values(), self._stage)

    def _treatment(self, round_: Round) -> TreatmentOutput:
        try:
            return self._outputs.variants[round_.variant].treatments[round_.form]
        except KeyError:
            raise StackError(f"The stack has no {round_.variant} image in the form {round_.form}.") from None

    def _measurable(self, round_: Round) -> TreatmentOutput:
        treatment, variant = self._treatment(round_), self._outputs.variants[round_.variant]
        if not variant.boot_report and (variant.ready is None or self._stack.probe is None):
            raise StackError(
                f"Nothing tells when a task of {round_.variant} is ready: its image writes no boot report, and the "
                "stack is older than the probe. Run `sociometer up`."
            )
        return treatment


def _probed(variant: VariantOutput) -> str | None:
    """What the probe of a variant's tasks waits for; None where they report by themselves."""
    return None if variant.boot_report else variant.ready


def _service(treatment: TreatmentOutput) -> ServiceOutput:
    if treatment.service is None:
        raise StackError(f"The stack's outputs name no ECS service for {treatment.image}. Run `sociometer up`.")
    return treatment.service


def _check_deployed(output: ServiceOutput, document: Document) -> None:
    deployed = document.get("taskDefinition")
    if deployed != output.task_definition:
        raise StackError(
            f"The ECS service {output.name} runs {deployed}, not {output.task_definition} as the stack's outputs say. "
            "Run `sociometer up`."
        )
