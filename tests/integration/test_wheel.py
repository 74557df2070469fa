"""Claims about the wheel: what is in it, that it runs where nothing else of ours is, and what gets in its way."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kit.paths import asset

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
        "kit/assets/images/hasher/main.go",
        "kit/assets/tools/soci/go.mod",
    ):
        assert name in names


def test_installed_as_a_tool_in_an_empty_environment_it_runs_the_simulation(
    uv: str, wheel: Path, tmp_path: Path
) -> None:
    cache = os.environ.get("UV_CACHE_DIR") or subprocess.check_output([uv, "cache", "dir"], text=True).strip()
    kept = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_", "PYENV"))}
    environment = kept | {
        "HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"],
        "UV_CACHE_DIR": cache,
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_PYTHON": sys.executable,
    }
    environment.pop("UV_PROJECT_ENVIRONMENT", None)
    (tmp_path / "home").mkdir()
    subprocess.run([uv, "tool", "install", "--quiet", str(wheel)], env=environment, cwd=tmp_path, check=True)
    command = [tmp_path / "bin" / "sociometer", "run", "--target", "sim", "--counts", "1", "--blocks", "2"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "SIMULATED: no figure here is a measurement" in done.stdout
    assert [path.name for path in (tmp_path / "results").glob("*/report.html")] == ["report.html"]


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
