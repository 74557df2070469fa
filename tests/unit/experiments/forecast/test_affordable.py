from __future__ import annotations

from experiments.forecast.affordable import (
    Costs,
    affordable,
    least_seconds,
    making_seconds,
    most_making_seconds,
    racing_seconds,
)
from experiments.plan.candidates import CANDIDATES, Candidates

EVERY = Candidates(CANDIDATES, ())
WEB = Costs(image_bytes=380_000_000, ready_seconds=3, vcpu=1.0)


def test_with_time_enough_every_candidate_is_raced() -> None:
    assert affordable(EVERY, WEB, 60, 3500) == EVERY


def test_the_least_promising_go_first_until_the_rest_fits_and_are_named_with_the_minutes_for_all() -> None:
    found = affordable(EVERY, WEB, 7, 300)
    assert least_seconds(found.forms, WEB) <= 300
    assert {"plain", "soci-v2", "soci-v2-own-layer(trace=TRACE,prefetch=no)"} <= set(found.forms)
    assert list(found.forms) == [form for form in CANDIDATES if form in found.forms]  # still in order of preference
    [line] = found.left_out
    assert all(form in line for form in CANDIDATES if form not in found.forms)
    enough = int(line.partition("--minutes ")[2].split()[0])
    assert affordable(EVERY, WEB, enough, 300 + 60 * (enough - 7)) == EVERY


def test_three_forms_stay_however_short_the_time_and_it_is_said_that_it_may_not_be_enough() -> None:
    found = affordable(EVERY, WEB, 1, 10)
    assert found.forms == ("plain", "soci-v2", "soci-v2-own-layer(trace=TRACE,prefetch=no)")
    assert "Even 3 forms may take longer than there is time" in found.left_out[-1]


def test_making_grows_with_the_image_and_layers_written_anew_take_longest() -> None:
    by_form = [making_seconds((form,), 10**9) for form in ("plain", "soci-v2", "zstd", CANDIDATES[-1])]
    assert by_form == sorted(by_form) and making_seconds(CANDIDATES, 10**8) < making_seconds(CANDIDATES, 10**9)


def test_making_may_take_what_the_race_leaves_and_never_less_than_a_part() -> None:
    race = racing_seconds(CANDIDATES, WEB)
    assert most_making_seconds(CANDIDATES, WEB, 1000 + race) == 1000
    assert most_making_seconds(CANDIDATES, WEB, race / 2) == 0.4 * race / 2
