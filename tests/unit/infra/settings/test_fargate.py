"""Claims about the Fargate target's settings: what is needed, what goes together, and who is kept out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.automation import files
from infra.forms import SLUG_LIMIT
from infra.settings.fargate import MEMORY, RANDOM_SUFFIX, TARGET_GROUP_NAME_LIMIT
from infra.settings.model import BUILT_IN_VARIANTS, Settings, machine_platform
from kit.errors import SettingsError
from kit.paths import asset

OURS = {"target": "fargate", "loadbalancerAllowCidrs": "203.0.113.0/24"}


def refusal(**raw: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({**OURS, **raw})
    return str(caught.value)


def test_a_range_is_all_that_fargate_needs_and_the_rest_is_as_documented() -> None:
    settings = Settings.parse(OURS)
    assert (settings.region, settings.network_cidr) == ("eu-west-2", "10.13.0.0/16")
    assert (settings.cpu_units, settings.memory_mebibytes, settings.platform) == (256, 512, "linux/arm64")
    assert (settings.builder, settings.bastion, settings.owner, settings.delete_after) == (
        "docker",
        False,
        "unnamed",
        "",
    )


def test_auto_is_arm_on_fargate_and_this_machine_in_the_lab() -> None:
    assert Settings.parse({**OURS, "platform": "auto"}).platform == "linux/arm64"
    assert Settings.parse({**OURS, "platform": "linux/amd64"}).platform == "linux/amd64"
    assert Settings.parse({"platform": "auto"}).platform == machine_platform()


def test_the_lab_needs_none_of_it() -> None:
    assert Settings.parse({}).loadbalancer_allow_cidrs == ()


def test_an_address_alone_is_a_range_of_one() -> None:
    assert Settings.parse({**OURS, "loadbalancerAllowCidrs": '["203.0.113.7"]'}).loadbalancer_allow_cidrs == (
        "203.0.113.7/32",
    )


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/7"])
def test_the_world_and_its_halves_are_let_in_only_by_name(cidr: str) -> None:
    message = refusal(loadbalancerAllowCidrs=f"203.0.113.0/24,{cidr}")
    assert f"{cidr} lets the world in" in message
    assert "loadbalancerAllowWorld" in message
    allowed = Settings.parse({**OURS, "loadbalancerAllowCidrs": cidr, "loadbalancerAllowWorld": "true"})
    assert allowed.loadbalancer_allow_cidrs == (cidr,)


def test_every_cpu_size_takes_its_first_and_last_memory() -> None:
    for cpu, memory in MEMORY.items():
        for size in (memory[0], memory[-1]):
            assert Settings.parse({**OURS, "cpuUnits": cpu, "memoryMebibytes": size}).memory_mebibytes == size


@pytest.mark.parametrize(
    ("cpu", "memory", "allowed"),
    [
        (256, 3072, "512 to 2048 in steps of 512"),
        (512, 512, "1024 to 4096 in steps of 1024"),
        (4096, 31744, "8192 to 30720 in steps of 1024"),
        (8192, 17408, "16384 to 61440 in steps of 4096"),
        (16384, 122881, "32768 to 122880 in steps of 8192"),
    ],
)
def test_memory_that_does_not_go_with_the_cpu_is_named_with_what_does(cpu: int, memory: int, allowed: str) -> None:
    message = refusal(cpuUnits=cpu, memoryMebibytes=memory)
    assert f"{memory} does not go with cpuUnits {cpu}" in message
    assert allowed in message


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ({"loadbalancerAllowCidrs": ""}, ("loadbalancerAllowCidrs", "at least one range", "203.0.113.7/32")),
        ({"loadbalancerAllowCidrs": "home"}, ("loadbalancerAllowCidrs.0", "'home'", "203.0.113.0/24")),
        ({"loadbalancerAllowCidrs": "2001:db8::/32"}, ("loadbalancerAllowCidrs.0", "IPv4")),
        ({"networkCidr": "10.13.0.1/16"}, ("networkCidr", "host bits")),
        ({"networkCidr": "10.0.0.0/8"}, ("networkCidr", "'10.0.0.0/8'", "between /16 and /24")),
        ({"cpuUnits": "300"}, ("cpuUnits", "'300'", "256, 512")),
        ({"region": "london"}, ("region", "'london'")),
        ({"builder": "kaniko"}, ("builder", "'kaniko'", "'docker' or 'buildkit'")),
        ({"deleteAfter": "in a week"}, ("deleteAfter", "'in a week'", "2027-01-31")),
        ({"owner": "a;b"}, ("owner", "'a;b'")),
        ({"images": '{"a-name-of-17-char": "x:1"}'}, ("a-name-of-17-char", "soci-v2", "at most 16 characters")),
    ],
)
def test_an_impossible_value_is_named_with_what_is_allowed(raw: dict[str, object], parts: tuple[str, ...]) -> None:
    message = refusal(**raw)
    for part in parts:
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("forms", "longest"), [("plain,soci-v2", 16), ("plain,plain-again", 12), ("plain", 18), ("soci-v2(min-layer=0)", 9)]
)
def test_the_longest_form_decides_how_long_a_variants_name_may_be(forms: str, longest: int) -> None:
    """With form and suffix it is a target group's name, of 32 characters."""
    fits, too_long = "a" * longest, "a" * (longest + 1)
    wanted = {**OURS, "variants": "[]", "forms": forms}
    assert Settings.parse({**wanted, "images": f'{{"{fits}": "x:1"}}'}).all_variants == (fits,)
    assert f"at most {longest} characters" in refusal(**{**wanted, "images": f'{{"{too_long}": "x:1"}}'})


def test_the_built_in_variants_fit_with_every_form() -> None:
    assert max(map(len, BUILT_IN_VARIANTS)) <= TARGET_GROUP_NAME_LIMIT - RANDOM_SUFFIX - len("-") - SLUG_LIMIT


@pytest.mark.parametrize("name", files.SHIPPED)
def test_a_shipped_file_is_a_complete_fargate_stack(name: str) -> None:
    stack: dict[str, Any] = yaml.safe_load(asset(f"Pulumi.{name}.yaml").read_text())
    settings = Settings.parse(stack["config"])
    assert (settings.target, settings.loadbalancer_allow_cidrs) == ("fargate", ("203.0.113.0/24",))
    assert settings.variants == (BUILT_IN_VARIANTS if name == files.FARGATE_STACK else (name,))
