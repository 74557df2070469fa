from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.findings import Interval
from experiments.compare import slower
from experiments.compare.history import Shift
from experiments.report import history as written


def change(release: str, ratio: float, *, within: float = 0.01, image: bool = True) -> Shift:
    return Shift(
        index=3,
        earliest=3,
        latest=3,
        sweep="s03",
        sweeps=("s03", "s03"),
        release=release,
        digest=f"sha256:{release}{'0' * 60}",
        ratio=ratio,
        interval=Interval(low=ratio * (1 - within), high=ratio * (1 + within), level=0.95),
        p_value=0.001,
        image_changed=image,
    )


def blamed(*changes: Shift, accepted: tuple[str, ...] = ()) -> list[str]:
    return [each.shift.release for each in slower.to_blame(list(slower.standing(changes, accepted)), 0.05)]


def test_a_small_later_change_does_not_hide_a_slower_release() -> None:
    assert blamed(change("8", 1.12), change("9", 0.98)) == ["8"]
    assert blamed(change("8", 1.12), change("9", 1.03)) == ["8"]


def test_a_release_that_undoes_a_slower_one_ends_the_alarm() -> None:
    assert blamed(change("8", 1.12), change("9", 0.89)) == []


def test_small_steps_that_add_up_are_blamed_on_the_first_of_them() -> None:
    steps = [change(str(number), 1.03) for number in range(3)]
    assert blamed(*steps[:1]) == []
    assert blamed(*steps) == ["0"]


def test_a_slower_release_after_a_faster_one_is_blamed() -> None:
    assert blamed(change("8", 0.5), change("9", 1.12)) == ["9"]


def test_what_changed_without_a_new_image_is_not_the_images_fault() -> None:
    assert blamed(change("8", 1.5, image=False)) == []
    assert blamed(change("7", 1.02), change("8", 1.5, image=False)) == []


@pytest.mark.parametrize("accepted", ["8", f"sha256:8{'0' * 5}"])
def test_a_slower_release_that_is_accepted_is_no_failure_and_hides_no_other(accepted: str) -> None:
    assert blamed(change("8", 1.12), accepted=(accepted,)) == []
    assert blamed(change("8", 1.12), change("9", 1.2), accepted=(accepted,)) == ["9"]


def test_a_wide_interval_is_no_proof() -> None:
    assert blamed(change("8", 1.12, within=0.1)) == []


def test_the_interval_of_a_sum_is_that_of_independent_changes() -> None:
    first, *_ = slower.standing([change("8", 1.2, within=0.03), change("9", 1.1, within=0.04)])
    assert first.ratio == pytest.approx(1.32)
    assert np.log(first.high / first.ratio) == pytest.approx(np.hypot(np.log(1.03), np.log(1.04)))


def test_only_slow_downs_stand_and_each_says_how_many_releases_followed() -> None:
    assert list(slower.standing([change("8", 1.0), change("9", 0.5)])) == []
    assert [each.followed for each in slower.standing([change("7", 1.1), change("8", 1.1), change("9", 0.9)])] == [2, 1]


def test_who_is_slower_alone_is_blamed_before_who_is_only_with_what_followed() -> None:
    assert blamed(change("8", 1.03), change("9", 1.12)) == ["9"]
    assert blamed(change("8", 1.12), change("9", 1.12)) == ["8", "9"]
    steps = [change(str(number), 1.04, within=0.001) for number in range(4)]
    assert blamed(*steps) == ["0"], "others are with what followed as well"


def test_an_interval_that_begins_at_the_limit_is_beyond_it() -> None:
    at = change("8", 1.1).model_copy(update={"interval": Interval(low=1.05, high=1.2, level=0.95)})
    [standing] = slower.standing([at])
    exact = standing.model_copy(update={"low": 1.05})
    assert exact.certain(0.05)
    assert not standing.model_copy(update={"low": 1.049}).certain(0.05)
    before = exact.model_copy(update={"shift": change("7", 1.03)})
    assert slower.to_blame([before, exact], 0.05) == [exact]


def test_a_line_says_what_is_left_after_later_releases() -> None:
    first, *_ = slower.standing([change("8", 1.12), change("9", 0.98)])
    line = written.left(first)
    assert line.startswith("slower since release 8 (sha256:8000")
    assert line.endswith("12 % (11 to 13); with the later releases it is now 9.8 % (8.2 to 11.3) slower")


def test_a_range_that_holds_no_change_says_probably_whatever_its_ends() -> None:
    wide = change("8", 1.03).model_copy(update={"interval": Interval(low=0.85, high=1.08, level=0.95)})
    assert written.shift(wide).startswith("probably slower since release 8")
    assert written.shift(wide).endswith("3.0 % (\N{MINUS SIGN}15.0 to 8.0)")
