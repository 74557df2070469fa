"""Real rounds behind a registry that does wrong: what a fault has hit is never a measurement, and says so.

A proxy does the wrong, between the lab's registry and its hosts. `benchmarks/faults.py` has every kind with every form,
also for answers that stay wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, RoundStatus
from infra.lab import disturbances
from infra.outputs import StackOutputs
from tests.integration.test_lab import lab_of, round_of
from tests.support.faulty_proxy import FaultyProxy
from tests.support.lab_faults import HITS, Met, behind_a_faulty_proxy, edge_of, met
from tests.support.leftovers import left_on_the_machine

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

SAID = {
    "503": "answered 503",
    "reset": "was closed after",
    "cut": "was closed after",
    "corrupt span": "were fetched again, as after damaged ones",
    "corrupt whole": "could not read what was asked for: cannot unpack the layer: cannot store layer: ",
    "late": "s to answer",
}
MEASURED = Met(RoundStatus.COMPLETE, Outcome.BOOTED, "", 0)


@pytest.fixture(scope="module")
def lab(tiny_stack: StackOutputs) -> Iterator[LabExecutor]:
    with lab_of(tiny_stack, timeout_seconds=10) as executor:
        yield executor
    assert left_on_the_machine() == []


@pytest.fixture(scope="module")
def proxy(lab: LabExecutor) -> Iterator[FaultyProxy]:
    with behind_a_faulty_proxy(edge_of(lab)) as proxy:
        yield proxy


@pytest.mark.parametrize("fault", SAID)
def test_a_fault_that_the_tools_get_over_is_seen_and_the_round_no_measurement(
    lab: LabExecutor, proxy: FaultyProxy, fault: str
) -> None:
    hit = met(lab, proxy, round_of("soci-v2"), replace(HITS[fault], times=1))
    assert hit.status in (RoundStatus.CONTAMINATED, RoundStatus.FAILED)
    assert SAID[fault] in hit.reason
    assert hit.hits == 1


def test_a_read_that_failed_is_also_known_where_nobody_asked_again(
    lab: LabExecutor, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of what the kernel reads ahead: then the link shows nothing, and the snapshotter's log is all there is.

    Whether a read of the container or the fetching in the background meets the span first is chance.
    """
    monkeypatch.setattr(disturbances, "told", lambda *_: "")
    hit = met(lab, proxy, round_of("soci-v2"), replace(HITS["corrupt span"], times=1))
    assert hit.status is RoundStatus.CONTAMINATED
    assert "The soci-snapshotter could not read what was asked for: " in hit.reason
    assert "span digests do not match" in hit.reason


@pytest.mark.parametrize(
    ("form", "fault", "said"),
    [
        ("plain", "503", "answered 503"),
        ("plain", "corrupt", "digest"),
        ("plain", "slow drip", "as good as nothing"),
        ("soci-v2", "corrupt span", "were fetched again"),
        ("soci-v2", "cut", "was closed after"),
    ],
)
def test_a_fault_that_stays_fails_the_round_with_its_cause_and_not_the_next(
    lab: LabExecutor, proxy: FaultyProxy, form: str, fault: str, said: str
) -> None:
    hit = met(lab, proxy, round_of(form), HITS[fault])
    assert hit.status is RoundStatus.FAILED
    assert said in hit.reason
    assert met(lab, proxy, round_of(form)) == MEASURED
