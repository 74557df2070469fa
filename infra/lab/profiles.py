"""The kinds of task that the lab can imitate. Profiles are data, and every number names its source.

A profile is named by one text, in the style of forms: a built-in profile, and in parentheses what differs from it,
``fargate-1024-2048(rate=200Mbit,delay=5ms)``. The canonical text, in which what does not differ is left out, is the
profile's name in records.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import Field

from infra.settings.values import keyed, parse_size, size_text
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


class _Setting(NamedTuple):
    """What may differ from a built-in profile: its field, how its text is read, and how a value is written."""

    field: str
    read: Callable[[str], float | None]
    write: Callable[[Any], str]


_TEXT = re.compile(r"(?P<name>[a-z0-9-]+)(?:\((?P<settings>[^()]*)\))?")
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([A-Za-z]*)")
_RATES = {"Gbit": 10**9, "Mbit": 10**6, "kbit": 10**3}
_DELAYS = {"s": 1.0, "ms": 0.001}
_UNLIMITED = "none"
_VCPUS = (0.05, 16.0)
_RATE_LIMITS = (10**6, 10**11)
_MOST_DELAY = 1.0
_LEAST_MEMORY = 64 << 20
_ASKED = "asked for"


def profile(name: str) -> Profile:
    """The profile of that name, or one that differs from it as the text says.

    Raises `SettingsError`, in one line, with what is allowed.
    """
    match = _TEXT.fullmatch(name.strip())
    if match is None or match["name"] not in PROFILES:
        raise SettingsError(
            f"There is no lab profile {name!r}. There are: {', '.join(PROFILES)}; or one of them with other values, "
            f"such as {DEFAULT_PROFILE}(rate=200Mbit,delay=5ms)."
        )
    basis = PROFILES[match["name"]]
    try:
        given = keyed(match["settings"], {key: setting.read for key, setting in _SETTINGS.items()}, "it")
    except ValueError as error:
        raise SettingsError(f"There is no lab profile {name!r}: {error}.") from error
    other = {key: value for key, value in given.items() if value != getattr(basis, _SETTINGS[key].field)}
    if not other:
        return basis
    inside = ",".join(f"{key}={_SETTINGS[key].write(other[key])}" for key in _SETTINGS if key in other)
    changed = {_SETTINGS[key].field: value for key, value in other.items()}
    sources = {**basis.sources, **dict.fromkeys(changed, _ASKED)}
    return Profile(**{**basis.model_dump(), **changed, "name": f"{basis.name}({inside})", "sources": sources})


def _quantity(text: str, units: dict[str, float] | dict[str, int], example: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in units:
        raise ValueError(f"write a number with a unit ({', '.join(units)}), such as {example}")
    return float(match[1]) * units[match[2]]


def _rate(text: str) -> int | None:
    if text == _UNLIMITED:
        return None
    rate = round(_quantity(text, _RATES, "200Mbit"))
    if not _RATE_LIMITS[0] <= rate <= _RATE_LIMITS[1]:
        raise ValueError("allowed: 1Mbit to 100Gbit, or none")
    return rate


def _rate_text(rate: int | None) -> str:
    if rate is None:
        return _UNLIMITED
    unit = next(unit for unit, size in _RATES.items() if rate >= size)
    return f"{rate / _RATES[unit]:.12g}{unit}"


def _delay(text: str) -> float:
    delay = 0.0 if text == "0" else _quantity(text, _DELAYS, "5ms")
    if delay > _MOST_DELAY:
        raise ValueError(f"it is added to every round trip; allowed: 0 to {_MOST_DELAY:g}s")
    return round(delay, 6)


def _vcpu(text: str) -> float:
    vcpu = _quantity(text, {"": 1}, "0.5")
    if not _VCPUS[0] <= vcpu <= _VCPUS[1]:
        raise ValueError(f"allowed: {_VCPUS[0]:g} to {_VCPUS[1]:g}")
    return vcpu


def _memory(text: str) -> int:
    size = int(parse_size(text))
    if size < _LEAST_MEMORY:
        raise ValueError(f"allowed: at least {size_text(_LEAST_MEMORY)}")
    return size


_SETTINGS: dict[str, _Setting] = {
    "vcpu": _Setting("vcpu", _vcpu, "{:g}".format),
    "memory": _Setting("memory_bytes", _memory, size_text),
    "rate": _Setting("rate_bits_per_second", _rate, _rate_text),
    "delay": _Setting("round_trip_seconds", _delay, lambda seconds: f"{seconds * 1000:.6g}ms"),
}
"""In the order in which a canonical text has them."""
