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


def sample(at_seconds: float, **changes: float) -> Sample:
    """CPU times in seconds, everything else as it is."""
    zero = Sample(round(at_seconds * SECOND), 0, 0, 0, 0, 0, could_run=False, waits=False)
    values = {name: round(value * SECOND) if name.endswith("_ns") else value for name, value in changes.items()}
    return zero._replace(**values)  # type: ignore[arg-type]


def test_the_pull_is_divided_by_what_the_link_had_to_carry() -> None:
    samples = [
        sample(0),
        sample(2, received_bytes=BYTES_A_SECOND),
        sample(4, received_bytes=3 * BYTES_A_SECOND),
        sample(9, received_bytes=3 * BYTES_A_SECOND),
    ]
    found = spent(samples, LIFE, GIGABIT, 0.5)
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
    found = spent(samples, LIFE, GIGABIT, 0.5)
    assert found is not None
    assert found.wire_seconds == 2


def test_without_a_rate_nothing_is_said_of_the_wire() -> None:
    found = spent([sample(0), sample(9, received_bytes=5)], LIFE, None, 0.5)
    assert found is not None
    assert (found.wire_seconds, found.unpack_seconds) == (None, 4)


@pytest.mark.parametrize(("mixed", "unpacked"), [(False, 0.0), (True, 1.0)])
def test_a_lazy_pull_is_mounting_but_for_containerds_share_of_mixed_layers(mixed: bool, unpacked: float) -> None:
    life = replace(LIFE, lazy=True, mixed=mixed)
    samples = [sample(0), sample(4, containerd_ns=1, snapshotter_ns=3), sample(9, containerd_ns=2, snapshotter_ns=9)]
    found = spent(samples, life, GIGABIT, 0.5)
    assert found is not None
    assert (found.unpack_seconds, found.mount_seconds) == (unpacked, 4 - unpacked + 1)
    assert (found.containerd_seconds, found.snapshotter_seconds) == (2, 9)


def test_waiting_counts_from_the_starts_beginning_and_is_no_part_of_mounting() -> None:
    life = replace(LIFE, lazy=True)
    waiting = [sample(at / 10, waits=45 <= at < 70) for at in range(91)]
    found = spent(waiting, life, GIGABIT, 0.5)
    assert found is not None
    assert found.span_wait_seconds == pytest.approx(2.5, abs=0.1)
    assert found.mount_seconds == pytest.approx(4 + 1 - 0.5, abs=0.1)
    assert found.sample_gap_seconds == pytest.approx(0.1)


def test_counters_are_read_at_the_moments_themselves_between_two_samples() -> None:
    found = spent([sample(0), sample(8, container_ns=4), sample(10, container_ns=6)], LIFE, GIGABIT, 0.5)
    assert found is not None
    assert found.cpu_seconds == 5


@pytest.mark.parametrize(
    ("could_run_seconds", "cpu_seconds", "periods", "quota"),
    [
        (4.0, 2.0, 40, 2.0),
        (4.0, 1.0, 40, 1.0),  # the quota explains one second; this machine's other work the rest
        (4.0, 1.0, 0, 0.0),  # it was never used up
        (4.0, 1.0, 3, 0.3),
        (1.0, 1.5, 10, 0.0),  # threads that work at once
    ],
)
def test_the_wait_for_the_quota_is_what_could_run_did_not_and_the_quota_explains(
    could_run_seconds: float, cpu_seconds: float, periods: int, quota: float
) -> None:
    steps = range(91)
    used = [min(max(at / 10 - 5, 0), could_run_seconds) / could_run_seconds for at in steps]
    samples = [
        sample(
            at / 10,
            container_ns=share * cpu_seconds,
            throttled=round(share * periods),
            could_run=50 <= at <= 50 + could_run_seconds * 10,
        )
        for at, share in zip(steps, used, strict=True)
    ]
    found = spent(samples, LIFE, GIGABIT, 0.5)
    assert found is not None
    assert found.quota_seconds == pytest.approx(quota, abs=0.06)


@pytest.mark.parametrize("samples", [[], [sample(0), sample(8)], [sample(1), sample(10)]])
def test_a_life_that_was_not_watched_to_its_end_has_no_account(samples: list[Sample]) -> None:
    assert spent(samples, LIFE, GIGABIT, 0.5) is None


def test_the_records_fields_are_the_labs() -> None:
    from experiments.records.model import Spent

    found = spent([sample(0), sample(9)], LIFE, GIGABIT, 0.5)
    assert found is not None
    assert Spent.model_validate(asdict(found)).model_dump() == asdict(found)
