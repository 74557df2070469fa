"""The contract between a stack and everything that uses it: what the stack exports, with a version.

The program exports one output, `OUTPUT_NAME`, whose value is a `StackOutputs` as plain data; experiments and
notebooks parse it with `StackOutputs.parse`. Schema history: 1 — first version; 2 — the Fargate target;
3 — the probe, and stacks without a load balancer;
4 — how the user named an own image.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.forms import Form
from kit.documents import Unreadable, as_model, checked
from kit.errors import StackError
from kit.values import first_fault

OUTPUT_NAME = "sociometer"
SCHEMA_VERSION = 4
READABLE_VERSIONS = (1, 2, 3, 4)
"""Each version only adds what may be left out, so that the outputs kept with older sweeps can still be read."""

Target = Literal["lab", "fargate", "sim"]
"""Where tasks run; `sim` is a simulation whose figures are never measurements."""
ON_AWS = "aws:"
"""How the types of the resources begin behind which something stands on AWS; images lie in its repositories."""
ROUTE_HEADER = "X-Sociometer-Treatment"

Platform = Literal["linux/amd64", "linux/arm64"]
CONTROL = "plain"
"""The form that all others are compared with. `plain-again` is the same under another name: an experiment that finds a
difference between the two is broken."""
AUTO_READY = "auto"
"""Readiness as the image says it: its one exposed port."""
DIGEST = r"^sha256:[0-9a-f]{64}$"


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ZtocOutput(_Output):
    """One indexed layer: its zTOC's digest, the layer it belongs to, and both sizes in bytes."""

    digest: str = Field(pattern=DIGEST)
    size_bytes: int
    layer_digest: str = Field(pattern=DIGEST)
    layer_bytes: int


class SkippedLayer(_Output):
    """A layer without zTOC, and why."""

    digest: str = Field(pattern=DIGEST)
    size_bytes: int
    reason: str


class PrefetchOutput(_Output):
    """What is fetched of one layer before a task starts: the artifact in the index, and how many spans it names."""

    digest: str = Field(pattern=DIGEST)
    layer_digest: str = Field(pattern=DIGEST)
    spans: int


class ServiceOutput(_Output):
    """Where a treatment runs on Fargate: a service that starts no task by itself, and how to recognise its tasks."""

    name: str = Field(description="of the ECS service")
    arn: str
    task_definition: str = Field(description="ARN with revision; the image in it is named by digest")
    target_group: str | None = Field(default=None, description="ARN; None where the probe sees when a task is ready")
    log_stream_prefix: str = Field(description="a task's stream is PREFIX/CONTAINER/TASK-ID")
    container: str | None = Field(default=None, description="name of the measured one; None: that of all treatments")
    header: str = Field(description="value of `ROUTE_HEADER` by which the load balancer finds this treatment")


class TreatmentOutput(_Output):
    """A variant's image in one form, as pushed: what a task runs."""

    form: Form
    image: str = Field(description="repository@digest: what a task is started from")
    image_digest: str = Field(pattern=DIGEST, description="manifest (plain, soci-v1) or image index (soci-v2)")
    index_digest: str | None = Field(default=None, description="the SOCI index; None for plain")
    ztocs: tuple[ZtocOutput, ...] = ()
    skipped_layers: tuple[SkippedLayer, ...] = ()
    span_bytes: int | None = None
    min_layer_bytes: int | None = None
    prefetch: tuple[PrefetchOutput, ...] = ()
    recompressed: bool = Field(default=False, description="has layers that were compressed anew from the source's")
    delivered_bytes: int | None = Field(default=None, description="sum of this form's layers; None in older outputs")
    pushed_bytes: int = Field(description="bytes uploaded, not counting what the registry had or could mount")
    seconds: float = Field(description="from the source image in the registry to the pushed form")
    service: ServiceOutput | None = Field(default=None, description="on Fargate; None elsewhere")


class ContainerOutput(_Output):
    """What a container is given beyond its image. None and empty leave what the image says."""

    environment: dict[str, str] = {}
    secrets: dict[str, str] = Field(default={}, description="variable and ARN; a value is nowhere")
    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    user: str | None = None
    working_directory: str | None = None
    read_only_root: bool = False
    stop_timeout_seconds: int | None = None
    task_role: str | None = Field(default=None, description="ARN")


class VariantOutput(_Output):
    """One workload: its source image and its treatments by form."""

    name: str
    source_image: str = Field(description="repository@digest in the stack's registry")
    reference: str | None = Field(default=None, description="how the user named it; None for built-in variants")
    image_bytes: int = Field(description="sum of the compressed layers")
    port: int = Field(default=80, ge=1, le=65535)
    health_path: str = "/"
    ready: str | None = Field(default=None, description="when a task is ready; None: HTTP at port and health_path")
    container: ContainerOutput = ContainerOutput()
    boot_report: bool = Field(default=True, description="serves /boot.json; else ready counts as booted")
    treatments: dict[str, TreatmentOutput]


class BastionOutput(_Output):
    """The build machine of a Fargate stack, reached through SSM Session Manager only."""

    instance_id: str
    bucket: str = Field(description="for exchanging files with it")


class FargateOutput(_Output):
    """What the treatments of a Fargate stack have in common."""

    account: str = Field(pattern=r"^\d{12}$")
    region: str
    cluster: str = Field(description="ARN")
    container: str = Field(description="name of the measured container of each task")
    probe: str | None = Field(default=None, description="name of the probe's container; None without own images")
    log_group: str
    load_balancer: str | None = Field(default=None, description="http://NAME[:PORT], without a path; None without one")
    platform_version: str
    cpu_units: int = Field(description="1024 are one vCPU")
    memory_mebibytes: int
    ephemeral_storage_gib: int = Field(default=20, description="each task's disk")
    network: str | None = Field(default=None, description="the user's, with its subnets; None: the stack's own")
    bastion: BastionOutput | None = Field(default=None, description="None without one")


class StackOutputs(_Output):
    """Everything that an experiment needs to know about a stack."""

    schema_version: int
    target: Target
    platform: str = Field(pattern=r"^linux/(amd64|arm64)$")
    registry: str = Field(description="host:port of the registry that the images lie in")
    registry_storage: str | None = Field(default=None, description="the lab registry's folder; None elsewhere")
    fargate: FargateOutput | None = Field(default=None, description="None elsewhere")
    variants: dict[str, VariantOutput]

    @property
    def layer_bytes(self) -> dict[str, int]:
        """Bytes of the compressed layers, by variant."""
        return {name: variant.image_bytes for name, variant in self.variants.items()}

    @classmethod
    def parse(cls, value: Any) -> StackOutputs:
        """The outputs of a stack; raises `StackError` when they are missing, malformed, or of another schema."""
        if not isinstance(value, dict):
            raise StackError("The stack has no outputs yet. `sociometer up` makes them.")
        version = _whole(value.get("schema_version"))
        if version not in READABLE_VERSIONS:
            raise StackError(
                f"The stack's outputs have schema version {value.get('schema_version')!r}, this program reads up to "
                f"{SCHEMA_VERSION}. Run `sociometer up` with this version, or use the version that made the stack."
            )
        try:
            return as_model(cls, checked(value))
        except Unreadable as error:
            raise StackError(f"The stack's outputs are malformed: {error}.") from error
        except ValidationError as error:
            raise StackError(f"The stack's outputs are malformed at {first_fault(error)}.") from error


def _whole(value: Any) -> Any:
    """Pulumi hands whole numbers over as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
