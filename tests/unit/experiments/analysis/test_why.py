"""Where the seconds go: parts that add up, floors, and what is said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from experiments.analysis.because import UNSEEN, explanations, reading
from experiments.analysis.why import COLUMNS, PARTS, Floor, Limits, Why, explain
from experiments.records.reads import Figures, Reads
from experiments.wording import TIMES
from tests.contracts.plans import small_design

LIMITS = Limits(vcpu=0.5, bits_per_second=1e9)
PHASES = {"movie": "boot"}
DESIGN = small_design(variants=("movie",), forms=("plain", "plain-again", "soci-v2"), task_counts=(1,))


def tasks(*rows: dict[str, object]) -> pd.DataFrame:
    usual: dict[str, object] = {
        "variant": "movie",
        "form": "plain",
        "task_count": 1,
        "outcome": "booted",
        "round_status": "complete",
        "pull_seconds": 4.0,
        "boot_seconds": 10.0,
        "wire_seconds": 3.0,
        "unpack_seconds": 1.0,
        "mount_seconds": 0.5,
        "span_wait_seconds": 0.0,
        "cpu_seconds": 2.0,
        "quota_seconds": 1.5,
        "snapshotter_seconds": 0.0,
        "containerd_seconds": 1.0,
        "ready_bytes": 1000,
    }
    frame = pd.DataFrame([usual | row for row in rows], columns=list(COLUMNS))
    numbers = [name for name in frame if name.endswith(("_seconds", "_bytes"))]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def one(frame: pd.DataFrame, **needed: float) -> Why:
    (found,) = explain(DESIGN, frame, PHASES, LIMITS, needed)
    return found


def test_the_parts_add_up_and_the_rest_has_a_name() -> None:
    found = one(tasks({}))
    assert found.parts == pytest.approx(
        {"wire": 3, "unpack": 1, "mount": 0.5, "spans": 0, "cpu": 2, "quota": 1.5, "other": 2}
    )
    assert found.note == ""


def test_threads_that_work_at_once_are_cut_to_the_time_that_passed() -> None:
    found = one(tasks({"cpu_seconds": 9.0, "quota_seconds": 2.0}))
    assert found.parts["cpu"] == pytest.approx(5.5 * 9 / 11)
    assert found.parts["quota"] == pytest.approx(5.5 * 2 / 11)
    assert found.parts["other"] == pytest.approx(0)
    assert found.cpu_seconds == 9, "all of it stays known"


@pytest.mark.slow
@given(
    some.lists(
        some.fixed_dictionaries(
            {
                name: some.floats(0, 100)
                for name in (
                    *(f"{part}_seconds" for part in ("wire", "unpack", "mount", "span_wait", "cpu", "quota", "boot")),
                )
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_was_sampled_the_parts_are_the_whole_and_none_is_negative(rows: list[dict[str, object]]) -> None:
    found = one(tasks(*rows))
    assert tuple(found.parts) == PARTS
    assert min(found.parts.values()) >= 0
    assert sum(found.parts.values()) == pytest.approx(found.seconds)


def test_parts_whose_medians_exceed_the_whole_are_noted() -> None:
    apart = {"unpack_seconds": 0.0, "mount_seconds": 0.0, "cpu_seconds": 0.0, "quota_seconds": 0.0}
    left = apart | {"wire_seconds": 6.0, "span_wait_seconds": 4.0, "boot_seconds": 10.0}
    middle = apart | {"wire_seconds": 6.0, "span_wait_seconds": 0.0, "boot_seconds": 6.0}
    right = apart | {"wire_seconds": 0.0, "span_wait_seconds": 4.0, "boot_seconds": 4.0}
    found = one(tasks(left, middle, right))
    assert (found.seconds, found.parts["other"]) == (6, 0)
    assert "67% more than the whole" in found.note


def test_the_floor_is_the_larger_of_bytes_at_the_rate_and_the_least_cpu_time_at_the_quota() -> None:
    frame = tasks({}, {"form": "soci-v2", "cpu_seconds": 3.0})
    by_cpu, same = explain(DESIGN, frame, PHASES, LIMITS, {"movie": 1.25e8})
    assert by_cpu.floor == same.floor == Floor(cpu_seconds=4, wire_seconds=1)
    assert (by_cpu.floor.by, by_cpu.times_floor) == ("cpu", 2.5)
    by_wire, _ = explain(DESIGN, frame, PHASES, LIMITS, {"movie": 1e9})
    assert by_wire.floor == Floor(cpu_seconds=4, wire_seconds=8)
    assert by_wire.floor.by == "wire"
    unknown, _ = explain(DESIGN, frame, PHASES, LIMITS, {})
    assert unknown.floor == Floor(cpu_seconds=4, wire_seconds=None)


def test_tasks_that_are_no_measurements_explain_nothing() -> None:
    assert explain(DESIGN, tasks({"outcome": "not-lazy"}, {"round_status": "failed"}), PHASES, LIMITS, {}) == ()


@pytest.mark.parametrize("target", UNSEEN)
def test_where_only_the_pull_is_known_no_more_is_said_and_why_not(target: str) -> None:
    unseen = dict.fromkeys(("wire_seconds", "cpu_seconds", "quota_seconds", "ready_bytes"), np.nan)
    found = one(tasks(unseen))
    assert found.parts == {"pull": 4, "unseen": 6}
    assert found.floor is None
    assert explanations([found], (), target, DESIGN) == (UNSEEN[target],)


def test_a_difference_is_said_by_its_largest_parts_first() -> None:
    seconds = {"wire": 0.1, "unpack": 0.0, "mount": 1.1, "span_wait": 2.5, "boot": 9.2}
    lazy = {"form": "soci-v2"} | {f"{name}_seconds": value for name, value in seconds.items()}
    found = explain(DESIGN, tasks({}, lazy), PHASES, LIMITS, {"movie": 1.25e8})
    assert explanations(found, (), "lab", DESIGN) == (
        "movie with 1 task, as soci-v2 instead of plain: 2.90 s less on the wire and 1.00 s less unpacking; "
        "2.50 s more waiting for spans and 0.60 s more mounting and starting.",
        "movie: no form boots in less than 4.00 s, its own CPU time at this quota; "
        f"soci-v2, the nearest, takes 9.20 s (2.3 {TIMES}).",
    )


def test_equal_forms_are_said_to_be_alike() -> None:
    found = explain(DESIGN, tasks({}, {"form": "plain-again", "wire_seconds": 3.1}), PHASES, LIMITS, {"movie": 0})
    assert explanations(found, (), "lab", DESIGN)[0].endswith(
        "plain-again instead of plain: every part takes about as long."
    )


def test_limits_are_those_of_the_profile_and_none_where_it_has_none() -> None:
    assert Limits.of({"profile.vcpu": "0.25", "profile.rate_bits_per_second": "1000000000"}) == Limits(
        vcpu=0.25, bits_per_second=1e9
    )
    assert Limits.of({"profile.vcpu": "1", "profile.rate_bits_per_second": "None"}).bits_per_second is None
    assert Limits.of({"profile": "sim"}) == Limits()


FIGURES = Figures(
    files=100,
    read_files=9,
    file_bytes=1000,
    read_bytes=90,
    spans=300,
    needed_spans=212,
    unpacked_bytes=310,
    fetched_bytes=120,
    needed_bytes=35,
    unseen_bytes=0,
)


def test_what_a_boot_reads_is_one_sentence() -> None:
    assert reading(Reads(variant="web", form="soci-v2", figures=FIGURES)) == (
        "web: boot reads 9.0 % of the image in 212 spans; 71 % of what it fetched was not needed."
    )
    partly = FIGURES.model_copy(update={"unseen_bytes": 2_000_000, "needed_spans": 1})
    assert "in 1 span (2.0 MB of other layers were not watched); 71 %" in reading(Reads(variant="web", figures=partly))


def test_what_is_not_known_is_said_with_its_reason() -> None:
    assert reading(Reads(variant="web", reason="It never was ready.")) == (
        "What web's boot reads is not known: It never was ready."
    )
    with pytest.raises(ValueError, match="either figures or a reason"):
        Reads(variant="web")
