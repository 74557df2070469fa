"""What `tune` says when something does not go as it should."""

from __future__ import annotations

import pytest

from experiments.plan.candidates import Candidates
from experiments.plan.plan import make_plan
from experiments.plan.race import Race
from experiments.store.sweeps import Sweep
from kit.errors import ImageError
from sociometer.cli.actions import interrupted
from sociometer.cli.tune_candidates import without_failed
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_design

FORMS = ("plain", "soci-v2", "soci-v2(span=1MiB)")
CHOSEN = Candidates(FORMS, ("zstd is left out: it is zstd.",))


def failed(*forms: str) -> ImageError:
    lines = [f"127.0.0.1:5000/sociometer/it/x as {form}: it is broken." for form in forms]
    if len(lines) == 1:
        return ImageError(lines[0])
    return ImageError(f"{len(lines)} things failed:\n" + "\n".join(f"- {line}" for line in lines) + "\nMend it.")


def test_a_form_that_cannot_be_made_is_left_out_with_its_reason() -> None:
    assert without_failed(CHOSEN, failed("soci-v2(span=1MiB)")) == Candidates(
        FORMS[:2], (*CHOSEN.left_out, "soci-v2(span=1MiB) is left out, for it could not be made: it is broken.")
    )
    whole = Candidates((*FORMS, "zstd"), ())
    assert without_failed(whole, failed("soci-v2", "zstd")).forms == ("plain", "soci-v2(span=1MiB)")


@pytest.mark.parametrize(
    "error", [failed("plain"), failed(*FORMS[1:]), ImageError("The registry does not answer.")], ids=str
)
def test_what_leaves_nothing_to_race_or_is_of_no_form_is_raised_as_it_is(error: ImageError) -> None:
    with pytest.raises(ImageError) as raised:
        without_failed(CHOSEN, error)
    assert raised.value is error


@pytest.mark.parametrize(
    ("race", "said"),
    [
        (None, "interrupted: 0 of 8 rounds are kept; `sociometer sweep --resume 7` goes on"),
        (Race(image="web", forms=FORMS, references=(), budget_seconds=60),
         "interrupted: 0 rounds are kept; `sociometer tune --resume 7` goes on"),
    ],
    ids=["sweep", "race"],
)  # fmt: skip
def test_ctrl_c_says_what_is_kept_and_what_goes_on(race: Race | None, said: str) -> None:
    plan = make_plan(small_design(), race=race)
    sweep = Sweep(
        id="7",
        created_ns=1,
        stack="web-tune",
        status="interrupted",
        plan=plan,
        key_metadata={},
        outputs=stack_outputs(),
    )
    assert interrupted(sweep, []) == said
