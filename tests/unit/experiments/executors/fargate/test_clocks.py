from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from experiments.executors.fargate.aws import Page
from experiments.executors.fargate.clocks import AwsTime, nanoseconds, on_aws_clock
from experiments.executors.simulation.clock import EPOCH_NS, SimulatedClock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_nanoseconds_are_exact_in_any_zone() -> None:
    moment = EPOCH + timedelta(microseconds=1_790_000_000_123_457)
    assert nanoseconds(moment) == 1_790_000_000_123_457_000
    assert nanoseconds(moment.astimezone()) == nanoseconds(moment)


@given(
    offset=st.timedeltas(min_value=timedelta(minutes=-5), max_value=timedelta(minutes=5)),
    waits=st.lists(st.floats(0.01, 5), min_size=1, max_size=30),
    travel=st.floats(0, 0.5),
)
def test_dated_answers_enclose_the_true_offset_and_more_of_them_more_closely(
    offset: timedelta, waits: list[float], travel: float
) -> None:
    clock = SimulatedClock()
    time = AwsTime(clock)

    def answer() -> Page:
        clock.sleep(travel / 2)
        date = EPOCH + timedelta(microseconds=clock.time_ns() // 1000) + offset
        clock.sleep(travel / 2)
        return Page([], None, date.replace(microsecond=0))

    errors = []
    for wait in waits:
        clock.sleep(wait)
        time.dated(answer)
        known = time.offset()
        assert known is not None
        assert abs(known.offset_ms - offset / timedelta(milliseconds=1)) <= known.error_ms + 0.01
        errors.append(known.error_ms)
    assert errors == sorted(errors, reverse=True)
    assert errors[0] <= 500 + 500 * travel + 0.01


def test_what_we_caused_came_after_we_asked_and_what_we_hear_before_we_heard() -> None:
    time = AwsTime(SimulatedClock())
    time.caused(EPOCH_NS + 2_999_000_000, EPOCH_NS)
    time.heard(EPOCH_NS + 4_000_000_000, EPOCH_NS + 2_000_000_000)
    known = time.offset()
    assert known is not None
    assert known.offset_ms - known.error_ms == 2_000
    assert known.offset_ms + known.error_ms == 3_000


def test_a_time_without_a_fraction_may_have_been_cut_to_the_second() -> None:
    time = AwsTime(SimulatedClock())
    asked_ns = EPOCH_NS + 700_000_000
    time.caused(EPOCH_NS, asked_ns)
    time.heard(EPOCH_NS, asked_ns + 100_000_000)
    known = time.offset()
    assert known is not None
    assert known.offset_ms + known.error_ms == 300


def test_facts_that_contradict_each_other_leave_the_offset_unknown() -> None:
    time = AwsTime(SimulatedClock())
    time.caused(EPOCH_NS + 1, EPOCH_NS)
    time.heard(EPOCH_NS + 10_000_000_000, EPOCH_NS)
    assert time.offset() is None
    assert on_aws_clock(EPOCH_NS, time.offset()) == EPOCH_NS, "left as it is"


def test_one_sided_knowledge_is_none() -> None:
    time = AwsTime(SimulatedClock())
    time.heard(EPOCH_NS, EPOCH_NS)
    assert time.offset() is None
