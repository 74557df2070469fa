"""The stand-in for pulumi-aws names resources as pulumi-aws does, and refuses what it refuses."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from infra.settings.fargate import name_limit
from tests.standin.aws.lb import TargetGroup
from tests.standin.provider import NameTooLong, _named


def named(logical_name: str) -> str:
    request = SimpleNamespace(urn=f"urn:pulumi:dev::sociometer::aws:lb:TG::{logical_name}", randomSeed=b"seed")
    return str(_named(TargetGroup, {}, {}, request)["name"])  # type: ignore[arg-type] # only its limits are read


@pytest.mark.parametrize("form", ["plain", "soci-v2", "plain-again"])
def test_the_longest_name_that_the_settings_allow_just_fits_a_target_group(form: str) -> None:
    variant = "a" * name_limit(form)
    assert len(named(f"{variant}-{form}")) == 32
    with pytest.raises(NameTooLong, match="plus 7 random chars is longer than maximum length 32"):
        named(f"{variant}a-{form}")
