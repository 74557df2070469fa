"""Claims about the wheel: what is in it, that it runs where nothing else of ours is, and what gets in its way."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.records.model import Outcome
from experiments.store.store import Store
from infra.lab_container import context
from kit.paths import asset, cache_dir
from tests.support.aws.inventory import inventory
from tests.support.aws.world import whole_world

ROOT = asset("Pulumi.yaml").parent
SCRIPT = "import sociometer; print(sociometer.__version__)"


@pytest.fixture(scope="module")
def uv() -> str:
    done = subprocess.run(["sh", str(ROOT / "tools/uv.sh")], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)], check=True)
    [built] = folder.glob("*.whl")
    return built


def test_it_holds_the_four_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sociometer", "experiments", "infra", "kit"}
    for name in (
        "experiments/forecast/prices.json",
        "experiments/report/templates/report.html.j2",
        "experiments/report/templates/report.css",
        "infra/fargate/bastion_start.sh",
        "infra/policy/PulumiPolicy.yaml",
        "sociometer/infra/providers/soci_image.py",
        "kit/assets/Pulumi.yaml",
        "kit/assets/Pulumi.dev.yaml",
        "kit/assets/Pulumi.movie.yaml",
        "kit/assets/Pulumi.parquet.yaml",
        "kit/assets/__main__.py",
        "kit/assets/images/movie/Dockerfile",
        "kit/assets/docs/forms.md",
        "kit/assets/docs/fargate-policy.json",
        "kit/assets/images/hasher/main.go",
        "kit/assets/images/probe/main.go",
        "kit/assets/notebooks/experiment.ipynb",
        "kit/assets/tools/ci/measure.sh",
        "kit/assets/tools/uv.sh",
        "kit/assets/tools/soci/go.mod",
    ):
        assert name in names


def test_it_builds_the_same_image_of_the_lab_as_a_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = "from infra.lab_container import context; print(context.image_name(), context.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-c", script]
    told = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.split() == [context.image_name(), str(tmp_path / "infra/lab_container/context.py")]


@dataclass(frozen=True)
class Installed:
    """The command of a wheel that was installed as a tool, on a machine that has nothing else of ours."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *words: str | Path, exit_code: int = 0, **environment: str) -> str:
        """What a command prints; it works in an empty folder, and is to end with that exit code."""
        with tempfile.TemporaryDirectory(dir=self.folder) as empty:
            done = subprocess.run(
                [self.folder / "bin" / words[0], *words[1:]],
                env={**self.environment, **environment},
                cwd=empty,
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == exit_code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """By `uv tool install`; the built tools are those of this machine's cache."""
    folder = tmp_path_factory.mktemp("installed")
    cache = os.environ.get("UV_CACHE_DIR") or subprocess.check_output([uv, "cache", "dir"], text=True).strip()
    kept = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_", "PYENV"))}
    environment = kept | {
        "HOME": str(folder / "home"),
        "PATH": os.environ["PATH"],
        "SOCIOMETER_CACHE": str(cache_dir()),
        "UV_CACHE_DIR": cache,
        "UV_TOOL_DIR": str(folder / "tools"),
        "UV_TOOL_BIN_DIR": str(folder / "bin"),
        "UV_PYTHON": sys.executable,
    }
    environment.pop("UV_PROJECT_ENVIRONMENT", None)
    (folder / "home").mkdir()
    subprocess.run([uv, "tool", "install", "--quiet", str(wheel)], env=environment, cwd=folder, check=True)
    yield Installed(folder, environment)
    processes = subprocess.check_output(["ps", "-eo", "args"], text=True).splitlines()
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    assert [line for line in (*processes, *mounts) if str(folder) in line] == []


def test_installed_as_a_tool_it_simulates_and_reads_what_it_has_measured(installed: Installed, tmp_path: Path) -> None:
    places = ("--store", tmp_path / "store.sqlite")
    told = installed.run(
        *("sociometer", "run", "--target", "sim", "--counts", "1", "--blocks", "3"),
        *(*places, "--results", tmp_path / "results"),
    )
    assert "SIMULATED: no figure here is a measurement" in told
    assert [path.name for path in tmp_path.glob("results/*/report.html")] == ["report.html"]
    assert installed.run("sociometer", "report", *places) == told
    assert "verdict" in installed.run("sociometer", "compare", "last", *places)
    assert installed.run("sociometer", "export", "--format", "csv", *places).startswith("sweep_id,")
    assert "### Starts, compared with" in installed.run("sociometer", "comment", *places)


def test_installed_as_a_tool_it_explains_its_words(installed: Installed) -> None:
    assert installed.run("sociometer", "help", "readiness").startswith("## When a task is ready")
    assert '"Version": "2012-10-17"' in installed.run("sociometer", "help", "fargate-policy")


@pytest.mark.lab
def test_installed_as_a_tool_it_builds_images_measures_them_in_the_lab_and_leaves_nothing(
    installed: Installed, tmp_path: Path
) -> None:
    told = installed.run(
        *("sociometer", "run", "--stack", f"test-wheel-{os.getpid()}", "--variants", "movie", "--counts", "1"),
        *("--blocks", "1", "--set", "movieMegabytes=12", "--set", "base=debian", "--destroy"),
        *("--store", tmp_path / "store.sqlite", "--results", tmp_path / "results"),
    )
    assert "target lab, 2 of 2 rounds complete" in told
    with Store(tmp_path / "store.sqlite") as store:
        tasks = [task for record in store.rounds(store.sweep().id) for task in record.observation.tasks]
    assert [(task.outcome, task.reason) for task in tasks] == [(Outcome.BOOTED, None)] * 2
    assert {task.snapshotter for task in tasks} == {"overlayfs", "soci"}


@pytest.mark.lab
def test_installed_as_a_tool_it_runs_the_program_also_for_a_pulumi_that_is_typed_by_hand(
    installed: Installed, tmp_path: Path
) -> None:
    script = (
        'eval "$(sociometer stack env)" && cd "$1" && pulumi stack init by-hand --non-interactive >&2 && '
        "pulumi preview --stack by-hand --non-interactive && pulumi stack rm --yes by-hand >&2"
    )
    installed.run("sociometer", "outputs", "--stack", "by-hand", exit_code=1)  # lays the project's folder out
    project = installed.folder / "home" / ".local/share/sociometer/project"
    path = f"{installed.folder / 'bin'}{os.pathsep}{installed.environment['PATH']}"
    bash = installed.folder / "bin" / "bash"
    bash.symlink_to("/bin/bash")
    told = installed.run("bash", "-c", script, "bash", project, PATH=path)
    assert "pulumi-python:dynamic" in told
    assert "to create" in told


@pytest.mark.lab
def test_installed_as_a_tool_it_measures_on_fargate_and_leaves_nothing(
    installed: Installed, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    with whole_world(tmp_path_factory) as world:
        before = inventory(world.aws)
        aws = {name: os.environ[name] for name in os.environ if name.startswith(("AWS_", "STANDIN_", "SOCIOMETER_"))}
        told = installed.run(
            *("sociometer", "run", "--target", "fargate", "--variants", "movie", "--forms", "soci-v2"),
            *("--counts", "1", "--blocks", "1"),
            *("--set", "movieMegabytes=12", "--set", "owner=tests", "--set", "loadbalancerAllowCidrs=203.0.113.0/24"),
            *("--yes", "--destroy", "--store", tmp_path / "store.sqlite", "--results", tmp_path / "results"),
            **{**aws, "PATH": os.environ["PATH"], "SOCIOMETER_CACHE": str(cache_dir())},
        )
        assert inventory(world.aws) == before
    assert "target fargate, 1 of 1 rounds complete" in " ".join(told.split())


@pytest.mark.parametrize("name", ["experiments", "infra", "kit"])
def test_a_package_of_that_name_in_the_way_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: Sociometer's own package {name!r} is hidden by {tmp_path / name}. Rename that folder, or run "
        "Python from another one."
    )


def test_a_folder_of_that_name_that_is_no_package_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "stack.py").touch()
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
