"""Claims about the end of a stack: removed when that was asked for, and told what is left when it could not be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from experiments.executors.choose import simulated_outputs, unused
from experiments.executors.fargate import lease
from experiments.forecast import standing
from experiments.forecast.leftovers import Leftover
from experiments.plan.presets import PRESETS
from infra.automation import stack as stacks
from infra.outputs import StackOutputs
from kit.errors import SociometerError, StackError, StoreError, SweepError
from sociometer.cli.removing import remove, removed_afterwards
from sociometer.cli.target_kinds import Fargate, Lab, Sim
from tests.support.aws_server import document, serving

DEV = Fargate("dev", "fargate")
LAB = Lab("lab", "default")
SIM = Sim("sim", "fargate")
FRONT = Leftover(name="front", type="aws:lb/loadBalancer:LoadBalancer", id="arn:front", usd_per_day=0.87504)
REPOSITORY = Leftover(name="movie", type="aws:ecr/repository:Repository", id="sociometer/dev/movie", usd_per_day=None)
VPC = Leftover(name="net", type="aws:ec2/vpc:Vpc", id="vpc-1", usd_per_day=0.0)


@dataclass
class Pulumi:
    """Stands where the engine would: what it is asked to remove, and what becomes of it."""

    refuses: bool = False
    unreadable: bool = False
    made: StackOutputs | None = None
    removed: list[str] = field(default_factory=list)
    others: dict[str, list[Leftover]] = field(default_factory=dict)

    def down(self, stack: str, _notify: object) -> None:
        if self.refuses:
            raise StackError("Pulumi could not do it: the service is draining")
        self.removed.append(stack)

    def outputs(self, stack: str) -> StackOutputs:
        if self.made is None:
            raise StackError(f"There is no stack {stack}.")
        return self.made

    def left(self, _stack: str) -> list[Leftover]:
        if self.unreadable:
            raise StackError("the backend does not answer")
        return [VPC, REPOSITORY, FRONT]

    def still_up(self) -> dict[str, list[Leftover]]:
        return self.others


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    stands_in = Pulumi()
    for module, name in ((stacks, "down"), (stacks, "outputs"), (standing, "left"), (standing, "still_up")):
        monkeypatch.setattr(module, name, getattr(stands_in, name))
    return stands_in


def test_a_stack_stays_unless_its_removal_was_asked_for(pulumi: Pulumi) -> None:
    with removed_afterwards(DEV, wanted=False):
        pass
    with pytest.raises(SweepError), removed_afterwards(DEV, wanted=False):
        raise SweepError("no round could run")
    assert pulumi.removed == []


def test_it_is_removed_after_a_sweep_that_went_well(pulumi: Pulumi) -> None:
    with removed_afterwards(DEV, wanted=True):
        assert pulumi.removed == []
    assert pulumi.removed == ["dev"]


@pytest.mark.parametrize("error", [SweepError("no round could run"), KeyboardInterrupt(), RuntimeError()])
def test_it_is_removed_after_whatever_went_wrong_and_that_is_raised_on(pulumi: Pulumi, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, removed_afterwards(DEV, wanted=True):
        raise error
    assert caught.value is error
    assert pulumi.removed == ["dev"]


def test_what_went_wrong_first_is_told_also_when_the_removal_fails(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.refuses = True
    with pytest.raises(StackError, match="draining"), removed_afterwards(DEV, wanted=True):
        raise SweepError("no round could run.")
    said = capsys.readouterr().err
    assert said.startswith("error: no round could run.\nThe stack dev is removed all the same, as --destroy says.\n")


def test_a_simulation_has_nothing_to_remove(pulumi: Pulumi) -> None:
    with removed_afterwards(SIM, wanted=True):
        pass
    assert pulumi.removed == []


def test_what_could_not_be_removed_is_listed_with_its_cost_a_day_dearest_first(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.refuses = True
    with pytest.raises(StackError):
        remove(DEV)
    said = capsys.readouterr().err
    assert "Still there of stack dev, about 0.88 USD a day in all:" in said
    rows = [line.split() for line in said.splitlines() if line.split()[0] in ("front", "movie", "net")]
    assert [row[0] for row in rows] == ["front", "movie", "net"]
    assert [" ".join(row[3:]) for row in rows] == ["0.88", "by its use", "-"]
    assert "`sociometer down --stack dev` tries again." in said


def test_a_list_that_cannot_be_made_does_not_hide_why_the_stack_stays(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.refuses = pulumi.unreadable = True
    with pytest.raises(SociometerError, match="draining"):
        remove(DEV)
    assert "cannot be listed: the backend does not answer" in capsys.readouterr().err


def test_other_stacks_that_are_up_are_named_with_their_cost(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.others = {"dev-movie": [FRONT]}
    remove(DEV)
    said = capsys.readouterr().err
    assert "Nothing of stack dev is left." in said
    assert "What stays by design" in said
    assert "Stack dev-movie is still up: about 0.88 USD a day" in said


def test_a_lab_stack_says_nothing_of_money(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]) -> None:
    remove(LAB)
    assert "USD" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_stack_that_a_sweep_uses_is_not_removed(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))
    simulated = simulated_outputs(PRESETS["fargate"].design)
    pulumi.made = simulated.model_copy(update={"target": "fargate"})
    nobody = {"clusters": [], "failures": []}
    with serving() as server:
        server.script["DescribeClusters"].extend([document(**nobody)] * 9)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(lease, "SETTLE_SECONDS", 0)
        with unused(pulumi.made), pytest.raises(StoreError, match="in use by process"):
            remove(DEV)
        assert pulumi.removed == []
        remove(DEV)
    assert pulumi.removed == ["dev"]
