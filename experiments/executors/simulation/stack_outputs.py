"""Outputs of a stack that does not exist: the target `sim` for any design, with made-up names and digests.

A simulation looks at no image: a user's own counts as the movie.
"""

from __future__ import annotations

import hashlib

from experiments.executors.simulation.parameters import Parameters, Workload
from experiments.plan.plan import Design, Payload
from infra.compression import SIZE_SHARES
from infra.forms import FormSpec, is_lazy, slug
from infra.outputs import (
    SCHEMA_VERSION,
    FargateOutput,
    ServiceOutput,
    StackOutputs,
    TreatmentOutput,
    VariantOutput,
)
from infra.variants import VARIANTS, boot_bytes, image_bytes

ACCOUNT = "000000000000"
REGION = "sim"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.invalid"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
CLUSTER = f"{ARN}:cluster/simulated"
STAND_IN = "movie"
"""The variant whose size an own image has here."""


def parameters(design: Design) -> Parameters:
    """The default parameters with the sizes of a design's images."""
    return Parameters(workloads={name: workload(name, design.payload) for name in design.variants})


def outputs(design: Design, platform: str) -> StackOutputs:
    """The outputs of a design's stack with simulated tasks of 0.25 vCPU; needs nothing and makes nothing.

    ``platform``: as `linux/arm64`.
    """
    return StackOutputs(
        schema_version=SCHEMA_VERSION,
        target="sim",
        platform=platform,
        registry=REGISTRY,
        fargate=_fargate(),
        variants={name: _variant(name, design, platform) for name in design.variants},
    )


def workload(variant: str, payload: Payload) -> Workload:
    """The size of a variant's image and how much of it the boot reads."""
    sized_as = variant if variant in VARIANTS else STAND_IN
    return Workload(image_bytes(sized_as, payload), boot_bytes(sized_as, payload))


def _fargate() -> FargateOutput:
    return FargateOutput(
        account=ACCOUNT,
        region=REGION,
        cluster=CLUSTER,
        container="workload",
        log_group="/sociometer/simulated",
        load_balancer="http://simulated.invalid",
        platform_version="1.4.0",
        cpu_units=256,
        memory_mebibytes=512,
    )


def _variant(name: str, design: Design, platform: str) -> VariantOutput:
    size = workload(name, design.payload).image_bytes
    source = _digest(name, "source", platform, design.payload.model_dump_json())
    return VariantOutput(
        name=name,
        source_image=f"{REGISTRY}/simulated/{name}/source@{source}",
        image_bytes=size,
        treatments={form: _treatment(name, form, source, size) for form in design.forms},
    )


def _delivered_bytes(form: str, size: int) -> int | None:
    """The size of the layers of a form that compresses them anew; None where they are the image's own."""
    compression = FormSpec.parse(form).compression
    return None if compression is None else round(size * SIZE_SHARES[compression.kind])


def _treatment(variant: str, form: str, source: str, size: int) -> TreatmentOutput:
    digest = _digest(variant, form, source)
    return TreatmentOutput.model_validate(
        {
            "form": form,
            "image": f"{REGISTRY}/simulated/{variant}/{slug(form)}@{digest}",
            "image_digest": digest,
            "index_digest": _digest("index", digest) if is_lazy(form) else None,
            "pushed_bytes": 0,
            "seconds": 0.0,
            "delivered_bytes": _delivered_bytes(form, size),
            "service": _service(f"{variant}-{slug(form)}", f"{variant}.{slug(form)}"),
        }
    )


def _service(name: str, header: str) -> ServiceOutput:
    return ServiceOutput(
        name=name,
        arn=f"{ARN}:service/simulated/{name}",
        task_definition=f"{ARN}:task-definition/{name}:1",
        target_group=f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/0",
        log_stream_prefix=header,
        header=header,
    )


def _digest(*parts: str) -> str:
    return f"sha256:{hashlib.sha256('|'.join(('simulated', *parts)).encode()).hexdigest()}"
