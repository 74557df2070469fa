"""The kinds of task that the lab can imitate. Profiles are data, and every number names its source."""

from __future__ import annotations

from pydantic import Field

from kit.errors import SettingsError
from kit.values import Frozen

DEFAULT_PROFILE = "fargate-256-512"

_FARGATE_SIZES = "ECS developer guide, Fargate task CPU and memory (256 CPU units = 0.25 vCPU)"
_RATE = (
    "1 Gbit/s: at this rate a whole pull of a 700 MB image takes the 6 to 8 s that small Fargate tasks show; "
    "AWS publishes no network rate per Fargate task size"
)
_DELAY = (
    "1 ms: order of the round trip between Availability Zones (AWS: single-digit milliseconds); "
    "the service time of the registry is that of the lab's own"
)
_OUTSIDE = (
    "Fargate's agent and snapshotter run beside the task, not in its CPU share; with them inside, the lab "
    "contradicts the published movie result (docs/lab.md)"
)


class Profile(Frozen):
    """A kind of task and its network; ``sources`` says where each number comes from."""

    name: str
    vcpu: float = Field(gt=0, description="CPU share of the container, in vCPUs")
    memory_bytes: int = Field(gt=0, description="memory limit of the container")
    rate_bits_per_second: int | None = Field(gt=0, description="of the task's network, each way; None: not shaped")
    round_trip_seconds: float = Field(ge=0, description="added to every round trip to the registry")
    daemons_inside: bool = Field(description="strict: containerd and the snapshotter share the task's quota")
    sources: dict[str, str]


def _fargate(cpu_units: int, mebibytes: int, *, strict: bool = False, round_trip_seconds: float = 0.001) -> Profile:
    return Profile(
        name=f"fargate-{cpu_units}-{mebibytes}" + ("-strict" if strict else ""),
        vcpu=cpu_units / 1024,
        memory_bytes=mebibytes * 2**20,
        rate_bits_per_second=10**9,
        round_trip_seconds=round_trip_seconds,
        daemons_inside=strict,
        sources={
            "vcpu": _FARGATE_SIZES,
            "memory_bytes": _FARGATE_SIZES,
            "rate_bits_per_second": _RATE,
            "round_trip_seconds": _DELAY,
            "daemons_inside": "the opposite of what Fargate does, to see what it would cost" if strict else _OUTSIDE,
        },
    )


_UNSHAPED = Profile(
    name="unshaped",
    vcpu=1,
    memory_bytes=2 * 2**30,
    rate_bits_per_second=None,
    round_trip_seconds=0,
    daemons_inside=False,
    sources=dict.fromkeys(
        ("vcpu", "memory_bytes", "rate_bits_per_second", "round_trip_seconds", "daemons_inside"),
        "this machine's own network: what nothing but the tools costs",
    ),
)

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        _fargate(256, 512),
        _fargate(512, 1024),
        _fargate(1024, 2048),
        _fargate(256, 512, strict=True),
        _UNSHAPED,
    )
}


def profile(name: str) -> Profile:
    """The profile of that name; raises `SettingsError` that lists the names there are."""
    try:
        return PROFILES[name]
    except KeyError:
        raise SettingsError(f"There is no lab profile {name!r}. There are: {', '.join(PROFILES)}.") from None
