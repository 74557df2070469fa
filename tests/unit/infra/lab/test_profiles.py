import pytest

from infra.lab.profiles import DEFAULT_PROFILE, PROFILES, profile
from kit.errors import SettingsError


def test_every_number_of_every_profile_names_its_source() -> None:
    for known in PROFILES.values():
        numbers = set(known.model_dump()) - {"name", "sources"}
        assert set(known.sources) == numbers, known.name
        assert all(known.sources.values()), known.name


def test_the_default_is_the_smallest_fargate_task() -> None:
    assert (profile(DEFAULT_PROFILE).vcpu, profile(DEFAULT_PROFILE).memory_bytes) == (0.25, 512 * 2**20)


def test_only_strict_profiles_put_the_daemons_into_the_quota() -> None:
    assert {known.name for known in PROFILES.values() if known.daemons_inside} == {"fargate-256-512-strict"}


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"'huge'.*fargate-256-512"):
        profile("huge")
