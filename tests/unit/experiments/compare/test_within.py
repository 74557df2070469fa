from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from experiments.analysis.analyse import analyse
from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison
from experiments.compare import caught, gate
from experiments.compare.samples import Recorded
from experiments.compare.versus import Versus
from experiments.compare.within import within
from experiments.plan.control import Control
from experiments.records.model import Round
from experiments.report import versus as text
from kit.errors import SweepError
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made, marked

IMAGES = ("before", "after", "equal")


def measured(slower: Mapping[str, float], *, blocks: int = 5, spread: float = 0.03, block_spread: float = 0.3) -> Made:
    """A sweep of three images of which some are slower by a share, in blocks that differ much more than the images."""
    generator = np.random.default_rng(20_100)
    levels = generator.normal(0, block_spread, blocks)

    def boot(round_: Round, _: int) -> float:
        noise = levels[round_.block] + generator.normal(0, spread)
        return float(10 * np.exp(noise) * (1 + slower.get(round_.variant, 0)))

    plan = small_plan(
        variants=IMAGES, forms=("plain",), task_counts=(1,), blocks=blocks, control=Control(variant="before")
    )
    return made(plan, boot)


def of(sweep: Made, limit: float = 0.05) -> Versus:
    return within(Recorded(sweep.sweep, sweep.tasks), analyse(sweep.sweep, sweep.tasks, sweep.rounds), limit=limit)


@pytest.mark.slow
def test_a_slower_image_is_caught_and_an_equal_one_is_not() -> None:
    compared = of(measured({"after": 0.25}))
    judged = gate.judge(compared, 0.05)
    assert judged.fails
    [slower] = judged.slower
    assert slower.startswith("boot of after plain with 1 task against before +2")
    assert not [phrase for phrase in judged.slower if "equal" in phrase]
    assert not gate.judge(of(measured({})), 0.05).fails


@pytest.mark.slow
def test_what_could_have_been_caught_is_said_and_grows_with_the_scatter() -> None:
    calm, loud = (gate.reach(of(measured({}, spread=spread))) for spread in (0.01, 0.1))
    assert calm.startswith("Such a sweep catches a slow-down of ")
    caught = [float(each.partition("slow-down of ")[2].partition(" %")[0]) for each in (calm, loud)]
    assert 5 < caught[0] < 12 < caught[1]
    assert gate.reach(of(measured({}, blocks=2))) == (
        "This sweep could miss any slow-down, however large: it takes 3 blocks that have both."
    )


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "limit"), [(3, 0.0), (5, 0.05), (7, 0.05)])
def test_the_promised_slow_down_is_caught_in_four_of_five_sweeps(blocks: int, limit: float) -> None:
    """Of 150 sweeps 120 should be; fewer than 105 are in 1 of 500 cases, if the promise holds exactly."""
    generator = np.random.default_rng(20_100)

    def pair(slower: float) -> Pairs:
        after = np.exp(generator.normal(np.log1p(slower), 0.04, blocks))
        return Pairs("after", "plain", "before", "plain", 1, "boot", after, np.ones(blocks))

    def is_caught(judged: Comparison) -> bool:
        return judged.verdict == "slower" and judged.interval is not None and judged.interval.low >= 1 + limit

    promises = [caught.slowdown_within(pair(0).differences, None, Terms(), 1.0, limit) for _ in range(101)]
    promise = float(np.median(promises))
    found = sum(is_caught(compare([pair(promise)], Terms(), {"after": "boot"})[0]) for _ in range(150))
    assert 105 <= found <= 147


@pytest.mark.slow
def test_an_image_that_never_boots_fails_the_gate_and_a_control_that_never_does_leaves_it_open() -> None:
    for broken, fails in (("after", True), ("before", False)):
        sweep = measured({})
        never = sweep.tasks["variant"] == broken
        lost = Made(sweep.sweep, marked(sweep.tasks, never, outcome="timeout", boot_seconds=np.nan), sweep.rounds)
        judged = gate.judge(of(lost), 0.05)
        assert judged.fails is fails
        if fails:
            assert judged.lost == ("after plain with 1 task",)
        else:
            assert "before plain with 1 task has no figure to compare with" in judged.open


@pytest.mark.slow
def test_the_table_names_the_control() -> None:
    shown = text.text(of(measured({"after": 0.25})))
    assert "against before within this sweep" in shown.splitlines()[0]
    assert "  before  seconds  change" in shown
    assert "| >before" not in text.markdown(of(measured({})))


def test_a_sweep_without_anything_beside_its_control_is_refused() -> None:
    alone = made(small_plan(forms=("plain",)), lambda *_: 1.0)
    with pytest.raises(SweepError, match="compares nothing: it measured no other treatment than its control plain"):
        of(alone)
