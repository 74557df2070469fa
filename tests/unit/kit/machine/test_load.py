import pytest

from kit.machine import load
from kit.machine.load import Sample


def test_pressure_is_the_total_of_the_some_line() -> None:
    text = "some avg10=1.00 avg60=0 avg300=0 total=2500000\nfull avg10=0 avg60=0 avg300=0 total=9\n"
    assert load.pressure_seconds(text) == 2.5


def test_a_kernel_without_pressure_gives_none_and_not_zero() -> None:
    assert load.pressure_seconds(None) is None
    assert load.cpu_pressure(Sample(0, None, 0), Sample(1, None, 0)) is None


def test_shares_are_of_the_time_between_the_samples() -> None:
    before, after = Sample(10, 1.0, 0), Sample(14, 3.0, 0)
    assert load.cpu_pressure(before, after) == pytest.approx(0.5)


def test_this_machine_can_be_sampled() -> None:
    before = load.sample()
    assert load.steal(before, load.sample()) >= 0
