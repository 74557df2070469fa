"""Claims about what a shell offers, asked as a shell asks: quick, by what is there, and changing nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.plan.presets import PRESETS
from experiments.store.listing import newest
from experiments.store.store import Store
from infra.forms import KINDS
from infra.lab.profiles import PROFILES
from kit.toolchain.pins import TOOLS
from sociometer.cli import topics
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.unit.cli.conftest import Sociometer

Offered = Callable[..., list[str]]
HEAVY = ("pandas", "scipy", "pulumi", "pyarrow", "altair", "boto3", "botocore")


@pytest.fixture
def offered(sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """What bash is told when Tab is pressed after these words; the last one is not finished."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # else typer names the program after pytest
        monkeypatch.setenv("_SOCIOMETER_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(("sociometer", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        done = sociometer()
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout.split()

    return complete


def two_sweeps(path: Path) -> list[str]:
    with Store(path, write=True) as store:
        made = [store.begin_sweep(small_plan(seed=seed), "lab", {}, stack_outputs()) for seed in (1, 2)]
    return [sweep.id for sweep in made]


def test_commands_and_options_are_offered(offered: Offered) -> None:
    assert {"run", "report", "help", "comment"} <= set(offered(""))
    assert offered("comp") == ["compare"]
    assert offered("tools", "li") == ["list"]
    assert offered("run", "--prof") == ["--profile"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "--plan", ""), list(PRESETS)),
        (("run", "--profile", ""), list(PROFILES)),
        (("run", "--target", ""), ["lab", "fargate", "sim"]),
        (("run", "--forms", ""), list(KINDS)),
        (("run", "--forms", "plain,zs"), ["plain,zstd"]),
        (("up", "--forms", "plain,soci-v2,pla"), ["plain,soci-v2,plain-again"]),
        (("run", "--variants", "movie,"), ["movie,parquet"]),
        (("run", "--set", "movieM"), ["movieMegabytes="]),
        (("report", "--format", "mark"), ["markdown"]),
        (("export", "--format", "rounds"), ["rounds-parquet"]),
        (("compare", "last", "last", "--format", ""), ["text", "markdown", "json"]),
        (("report", "--prices", "us-east-1"), ["us-east-1"]),
        (("tools", "path", "buildc"), ["buildctl"]),
        (("help", "read"), ["readiness"]),
    ],
)
def test_values_are_offered_where_they_are_known(offered: Offered, words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_every_topic_and_program_is_offered(offered: Offered) -> None:
    assert offered("help", "") == list(topics.topics())
    assert set(offered("tools", "path", "")) == {program for tool in TOOLS for program in tool.programs}


def test_sweeps_of_the_store_that_is_named_are_offered_the_latest_first(offered: Offered, tmp_path: Path) -> None:
    first, second = two_sweeps(tmp_path / "data" / "store.sqlite")
    [other, *_] = two_sweeps(tmp_path / "other.sqlite")
    assert offered("report", "--sweep", "") == ["last", second, first]
    assert offered("sweep", "--resume", second[:-1]) == [second]
    assert offered("compare", first[:-1]) == [first]
    assert other in offered("report", "--store", str(tmp_path / "other.sqlite"), "--sweep", "")


def test_a_store_that_is_missing_or_damaged_offers_no_sweeps_and_stays_as_it_is(
    offered: Offered, tmp_path: Path
) -> None:
    assert offered("report", "--sweep", "") == ["last"]
    assert not (tmp_path / "data").exists()
    path = tmp_path / "data" / "store.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    assert offered("report", "--sweep", "") == ["last"]
    assert [each.name for each in path.parent.iterdir()] == ["store.sqlite"]
    assert newest(tmp_path / "nothing.sqlite", 5) == []
    assert not (tmp_path / "nothing.sqlite").exists()


def test_stacks_that_are_there_and_those_of_plans_are_offered(offered: Offered, tmp_path: Path) -> None:
    state = tmp_path / "data" / "pulumi" / ".pulumi" / "stacks" / "sociometer"
    state.mkdir(parents=True)
    (state / "lab-web.json").touch()
    found = offered("down", "--stack", "")
    assert {"lab-web", "lab", "lab-full", "dev"} <= set(found)
    assert found == sorted(found)


@pytest.mark.slow
def test_nothing_heavy_is_imported_for_it(tmp_path: Path) -> None:
    """Pressing Tab is not worth a second."""
    script = (
        "import sys\n"
        "from sociometer.cli.entry import main\n"
        "sys.argv = ['sociometer']\n"
        "try:\n    main()\n"
        f"finally:\n    print(sorted(set({HEAVY}) & sys.modules.keys()), file=sys.stderr)\n"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "SOCIOMETER_DATA": str(tmp_path),
        "_SOCIOMETER_COMPLETE": "complete_bash",
        "COMP_WORDS": "sociometer\nrun\n--stack\n",
        "COMP_CWORD": "3",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout
    assert done.stderr == "[]\n"
