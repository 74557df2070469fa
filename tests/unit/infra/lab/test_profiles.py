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


def test_a_text_names_a_profile_with_other_values() -> None:
    made = profile("fargate-1024-2048(delay=5ms, rate=200Mbit,vcpu=0.5,memory=1GiB)")
    assert (made.vcpu, made.memory_bytes, made.rate_bits_per_second, made.round_trip_seconds) == (
        0.5, 1 << 30, 200_000_000, 0.005,
    )  # fmt: skip
    assert made.name == "fargate-1024-2048(vcpu=0.5,memory=1GiB,rate=200Mbit,delay=5ms)"
    assert profile(made.name) == made
    assert made.sources["vcpu"] == "asked for"
    assert made.sources["daemons_inside"] == PROFILES["fargate-1024-2048"].sources["daemons_inside"]


@pytest.mark.parametrize(
    "text", ["unshaped(rate=2.5Gbit)", "unshaped(rate=1.5Mbit,delay=0.25ms)", "unshaped(delay=1s)"]
)
def test_the_canonical_text_means_the_same(text: str) -> None:
    made = profile(text)
    assert profile(made.name) == made


def test_what_does_not_differ_is_left_out() -> None:
    assert profile("fargate-256-512(rate=1000Mbit,delay=1ms,vcpu=0.25)") == PROFILES["fargate-256-512"]
    assert profile("fargate-256-512(rate=none)").rate_bits_per_second is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fargate-1(rate=1Gbit)", "There are: fargate-256-512"),
        ("unshaped(speed=1)", "no setting 'speed'; allowed: vcpu, memory, rate, delay"),
        ("unshaped(rate=200)", "write a number with a unit"),
        ("unshaped(rate=0Mbit)", "allowed: 1Mbit to 100Gbit"),
        ("unshaped(delay=5s)", "allowed: 0 to 1s"),
        ("unshaped(vcpu=0)", "allowed: 0.05 to 16"),
        ("unshaped(memory=1MiB)", "at least 64MiB"),
        ("unshaped(memory=much)", "a number of bytes"),
        ("unshaped(vcpu=1,vcpu=1)", "vcpu is given twice"),
        ("unshaped(vcpu=)", "vcpu has no value"),
        ("unshaped()", "no setting ''"),
    ],
)
def test_an_impossible_profile_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        profile(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
