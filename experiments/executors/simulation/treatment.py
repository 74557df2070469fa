"""What the simulation knows of a treatment: its service, its image, and how much its boot reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from experiments.executors.simulation.parameters import Parameters, Workload
from infra.outputs import LAZY_FORMS, FargateOutput, ServiceOutput, StackOutputs
from kit.errors import StackError


@dataclass(frozen=True)
class Treatment:
    """A variant in a form, on its service."""

    variant: str
    form: str
    image: str
    image_digest: str
    service: ServiceOutput
    stack: FargateOutput
    workload: Workload

    @property
    def lazy(self) -> bool:
        """Whether its form promises lazy loading."""
        return self.form in LAZY_FORMS


def treatments(outputs: StackOutputs, parameters: Parameters) -> Iterator[Treatment]:
    """Every treatment of a stack; raises `StackError` when the stack has no services."""
    for variant in outputs.variants.values():
        whole = Workload(variant.image_bytes, variant.image_bytes)
        for form, treatment in variant.treatments.items():
            if outputs.fargate is None or treatment.service is None:
                raise StackError(f"The stack's target is {outputs.target}: {variant.name} as {form} has no service.")
            yield Treatment(
                variant=variant.name,
                form=form,
                image=treatment.image,
                image_digest=treatment.image_digest,
                service=treatment.service,
                stack=outputs.fargate,
                workload=parameters.workloads.get(variant.name, whole),
            )
