"""Claims about the settings of a network that the user has: what goes together, and what an id looks like."""

from __future__ import annotations

import pytest

from infra.settings.model import Settings
from kit.errors import SettingsError
from tests.support.network_that_is_there import GROUPS, PRIVATE, PUBLIC, SETTINGS, VPC

OURS = {"target": "fargate", "loadbalancerAllowCidrs": "203.0.113.0/24"}


def refusal(**raw: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({**OURS, **raw})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_by_default_the_stack_makes_its_network() -> None:
    settings = Settings.parse(OURS)
    assert (settings.vpc, settings.subnets, settings.security_groups) == ("", (), ())
    assert (settings.assign_public_ip, settings.ephemeral_storage_gib) == (False, 20)


def test_a_vpc_and_two_subnets_are_enough_and_the_load_balancer_takes_the_same() -> None:
    settings = Settings.parse({**OURS, "vpc": VPC, "subnets": ",".join(PUBLIC)})
    assert settings.front_subnets == settings.subnets == PUBLIC


def test_everything_of_a_network_can_be_named_as_lists_or_as_words() -> None:
    whole = {**SETTINGS, "securityGroups": ",".join(GROUPS), "assignPublicIp": "true", "ephemeralStorageGib": "200"}
    settings = Settings.parse({**OURS, **whole})
    assert (settings.subnets, settings.front_subnets, settings.security_groups) == (PRIVATE, PUBLIC, GROUPS)
    assert (settings.assign_public_ip, settings.ephemeral_storage_gib) == (True, 200)
    assert Settings.parse({**OURS, **whole, "subnets": list(PRIVATE)}) == settings


def test_short_ids_of_old_things_are_taken() -> None:
    assert Settings.parse({**OURS, "vpc": "vpc-1a2b3c4d", "subnets": "subnet-1a2b3c4d,subnet-5e6f7a8b"}).vpc


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ({"vpc": "my-network"}, ("vpc", "'my-network'", "vpc-0123456789abcdef0")),
        ({"vpc": PUBLIC[0]}, ("vpc", f"'{PUBLIC[0]}'")),
        ({"vpc": VPC + "0"}, ("vpc", "write an id such as")),
        ({"vpc": VPC, "subnets": f"{PUBLIC[0]},public"}, ("subnets.1", "'public'", "subnet-0123456789abcdef0")),
        ({**SETTINGS, "loadBalancerSubnets": GROUPS[0]}, ("loadBalancerSubnets.0", f"'{GROUPS[0]}'", "subnet-0123")),
        ({**SETTINGS, "securityGroups": "default"}, ("securityGroups.0", "'default'", "sg-0123456789abcdef0")),
        ({**SETTINGS, "securityGroups": [f"sg-0000000{n}" for n in range(5)]}, ("securityGroups", "at most 4")),
        ({"vpc": VPC}, (f"subnets: tasks in {VPC} need at least two subnets", "given: none")),
        ({"vpc": VPC, "subnets": PRIVATE[0]}, ("subnets: ", "two zones", f"given: {PRIVATE[0]}")),
        ({"vpc": VPC, "subnets": [PRIVATE[0]] * 2}, ("subnets: ", f"given: {PRIVATE[0]}")),
        ({**SETTINGS, "loadBalancerSubnets": PUBLIC[0]}, ("loadBalancerSubnets: ", "at least two", "or leave it out")),
        ({**SETTINGS, "networkCidr": "10.20.0.0/16"}, ("networkCidr: 10.20.0.0/16", VPC, "leave out one")),
        ({"subnets": ",".join(PRIVATE)}, ("subnets: ", "name it with vpc")),
        ({"loadBalancerSubnets": ",".join(PUBLIC)}, ("loadBalancerSubnets: ", "name it with vpc")),
        ({"securityGroups": ",".join(GROUPS)}, ("securityGroups: ", "name it with vpc")),
        ({"assignPublicIp": "true"}, ("assignPublicIp: ", "name it with vpc")),
        ({"ephemeralStorageGib": "19"}, ("ephemeralStorageGib", "'19'", "greater than or equal to 20")),
        ({"ephemeralStorageGib": "201"}, ("ephemeralStorageGib", "'201'", "less than or equal to 200")),
    ],
)
def test_what_cannot_be_is_named_in_one_line(raw: dict[str, object], parts: tuple[str, ...]) -> None:
    message = refusal(**raw)
    assert message.startswith("Setting ")
    for part in parts:
        assert part in message
