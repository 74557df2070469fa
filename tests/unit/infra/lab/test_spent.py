from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from infra.lab.spent import SECOND, Life, Sample, spent

GIGABIT = 10**9
BYTES_A_SECOND = GIGABIT // 8
LIFE = Life(
    created_ns=0,
    pull_started_ns=0,
    pull_stopped_ns=4 * SECOND,
    started_ns=5 * SECOND,
    end_ns=9 * SECOND,
    lazy=False,
    mixed=False,
)


def sample(at_seconds: float, **counters: float) -> Sample:
    """Bytes as they are, other counters in seconds."""
    zero = Sample(round(at_seconds * SECOND), 0, 0, 0, 0, 0, waits=False)
    whole = {
        name: value if name in ("received_bytes", "waits") else round(value * SECOND)
        for name, value in counters.items()
    }
    return zero._replace(**whole)  # type: ignore[arg-type]


def test_the_pull_is_divided_by_what_the_link_had_to_carry() -> None:
    samples = [
        sample(0),
        sample(2, received_bytes=BYTES_A_SECOND),
        sample(4, received_bytes=3 * BYTES_A_SECOND),
        sample(9, received_bytes=3 * BYTES_A_SECOND),
    ]
    found = spent(samples, LIFE, GIGABIT)
    assert found is not None
    assert (found.wire_seconds, found.unpack_seconds) == (3, 1)
    assert found.mount_seconds == 1, "the container's start"
    assert found.started_bytes == found.ready_bytes == 3 * BYTES_A_SECOND


def test_what_came_in_a_burst_counts_in_the_intervals_behind_it() -> None:
    samples = [
        sample(0),
        sample(1, received_bytes=2 * BYTES_A_SECOND),
        *(sample(at, received_bytes=2 * BYTES_A_SECOND) for at in (2, 3, 4, 9)),
    ]
    found = spent(samples, LIFE, GIGABIT)
    assert found is not None
    assert found.wire_seconds == 2


def test_without_a_rate_nothing_is_said_of_the_wire() -> None:
    found = spent([sample(0), sample(9, received_bytes=5)], LIFE, None)
    assert found is not None
    assert (found.wire_seconds, found.unpack_seconds) == (None, 4)


@pytest.mark.parametrize(("mixed", "unpacked"), [(False, 0.0), (True, 1.0)])
def test_a_lazy_pull_is_mounting_but_for_containerds_share_of_mixed_layers(mixed: bool, unpacked: float) -> None:
    life = replace(LIFE, lazy=True, mixed=mixed)
    samples = [sample(0), sample(4, containerd_ns=1, snapshotter_ns=3), sample(9, containerd_ns=2, snapshotter_ns=9)]
    found = spent(samples, life, GIGABIT)
    assert found is not None
    assert (found.unpack_seconds, found.mount_seconds) == (unpacked, 4 - unpacked + 1)
    assert (found.containerd_seconds, found.snapshotter_seconds) == (2, 9)


def test_waiting_counts_from_the_starts_beginning_and_is_no_part_of_mounting() -> None:
    life = replace(LIFE, lazy=True)
    waiting = [sample(at / 10, waits=45 <= at < 70) for at in range(91)]
    found = spent(waiting, life, GIGABIT)
    assert found is not None
    assert found.span_wait_seconds == pytest.approx(2.5, abs=0.1)
    assert found.mount_seconds == pytest.approx(4 + 1 - 0.5, abs=0.1)
    assert found.sample_gap_seconds == pytest.approx(0.1)


def test_counters_are_read_at_the_moments_themselves_between_two_samples() -> None:
    found = spent(
        [sample(0), sample(8, container_ns=4, throttled_ns=2), sample(10, container_ns=6, throttled_ns=2)],
        LIFE,
        GIGABIT,
    )
    assert found is not None
    assert (found.cpu_seconds, found.quota_seconds) == (5, 2)


@pytest.mark.parametrize("samples", [[], [sample(0), sample(8)], [sample(1), sample(10)]])
def test_a_life_that_was_not_watched_to_its_end_has_no_account(samples: list[Sample]) -> None:
    assert spent(samples, LIFE, GIGABIT) is None


def test_the_records_fields_are_the_labs() -> None:
    from experiments.records.model import Spent

    found = spent([sample(0), sample(9)], LIFE, GIGABIT)
    assert found is not None
    assert Spent.model_validate(asdict(found)).model_dump() == asdict(found)
