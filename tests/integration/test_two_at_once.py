"""Two commands at once, each a process of its own: the second waits, or is refused and the first one named."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.automation import stack as stacks
from infra.automation.files import settings
from tests.support.aws.command import PROGRAM, SECONDS, Running, sociometer, started
from tests.support.environments import ROOT
from tests.support.field_images import Tar, gzip_layer, image
from tests.support.traced import busybox

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
BLOCKS = 4
OF_OUR_OWN = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "UV_PROJECT_ENVIRONMENT")
"""Variables by which another environment or `make` would be meant than the clone's."""
BUSY = re.compile(r"in use by process (\d+) since")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image whose container takes a second to be ready."""
    layer = gzip_layer(Tar().folder("bin").file("bin/busybox", busybox(), 0o755))
    made = image([layer], config={"Cmd": ["/bin/busybox", "sleep", "1"]})
    return made.write(tmp_path_factory.mktemp("image") / "layout")


@pytest.fixture(scope="module")
def stack(own_data: Path, layout: Path) -> Iterator[str]:
    name = f"test-twice-{os.getpid()}"
    images = {"web": {"image": f"oci:{layout}", "ready": "exit:0"}}
    try:
        stacks.up(name, {"variants": [], "forms": ["plain"], "images": images}, lambda _line: None)
        yield name
    finally:
        stacks.down(name, lambda _line: None)


def test_of_two_that_make_a_stack_one_does_it_as_it_was_told_and_the_other_changes_nothing(
    own_data: Path, stack: str
) -> None:
    words = [*PROGRAM, "up", "--stack", stack, "--set"]
    both = [
        subprocess.Popen(
            [*words, f"spanSize={size}"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for size in ("2MiB", "8MiB")
    ]
    ended = [(*process.communicate(timeout=SECONDS), process.returncode, process.pid) for process in both]
    done, refused = sorted(ended, key=lambda each: each[2])
    assert (done[2], refused[2]) == (0, 1), ended
    [holder] = BUSY.findall(refused[1])
    assert int(holder) == done[3]
    meant = ("2MiB", "8MiB")[both.index(next(each for each in both if each.pid == done[3]))]
    assert settings(stack)["spanSize"] == meant


def test_what_would_disturb_a_sweep_is_refused_and_what_only_reads_is_not(
    own_data: Path, stack: str, layout: Path, tmp_path: Path
) -> None:
    where, store = ("--stack", stack), ("--store", str(tmp_path / "store.sqlite"))
    small, other = ("--forms", "plain", "--counts", "1"), ("--store", str(tmp_path / "other.sqlite"))
    own = (f"oci:{layout}", "--ready", "exit:0")
    with started("sweep", *where, *store, *small, "--blocks", str(BLOCKS)) as sweep:
        sweep.until(f"[2/{BLOCKS}]")
        disturbing = (
            ("sweep", *where, *store, *small),
            ("sweep", *where, *other, *small),
            ("up", *where, "--set", "spanSize=1MiB"),
            ("down", *where),
            ("clean", *where, *store),
            ("trace", *own, "--output", str(tmp_path / "trace.json")),
        )
        with standing_still(sweep), ThreadPoolExecutor(len(disturbing)) as pool:
            assert 1 <= booted(*store) < BLOCKS
            for words, done in zip(disturbing, pool.map(refused, disturbing), strict=True):
                assert set(BUSY.findall(done)) == {str(sweep.process.pid)}, (words, done)
            assert sociometer("clean", *where, *other).stdout == "Nothing was left behind.\n"
        assert sweep.end() == 0
    assert booted(*store) == BLOCKS


@contextmanager
def standing_still(running: Running) -> Iterator[None]:
    """The command stands still inside the block, however slow the machine is; what it started goes on."""
    running.process.send_signal(signal.SIGSTOP)
    try:
        assert running.process.poll() is None, "it was over too soon to be disturbed"
        yield
    finally:
        running.process.send_signal(signal.SIGCONT)


def refused(words: tuple[str, ...]) -> str:
    """What a command says that does not get its turn."""
    return sociometer(*words, exit_code=1).stderr


def booted(*store: str) -> int:
    """The tasks of the last sweep that booted, as its report says."""
    return sum(
        cell["outcomes"].get("booted", 0) for cell in json.loads(sociometer("report", *store, "--json").stdout)["cells"]
    )


def test_of_two_traces_one_is_refused_and_the_first_named(own_data: Path, layout: Path, tmp_path: Path) -> None:
    own = (f"oci:{layout}", "--ready", "exit:0")
    with started("trace", *own, "--output", str(tmp_path / "one.json")) as first:
        first.until("preparing")
        both = (("trace", *own, "--output", str(tmp_path / "two.json")), ("tune", *own, "--minutes", "1"))
        with standing_still(first):
            assert [BUSY.findall(refused(words)) for words in both] == [[str(first.process.pid)]] * len(both)
        assert first.end() == 0
    assert [path.name for path in tmp_path.glob("*.json")] == ["one.json"]


def test_two_that_set_a_clone_up_at_once_both_get_it_whole(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    environment = {name: value for name, value in os.environ.items() if name not in OF_OUR_OWN}
    both = [subprocess.Popen(["make", "setup"], cwd=clone, env=environment) for _ in range(2)]
    assert [process.wait(SECONDS) for process in both] == [0, 0]
    words = [clone / ".venv/bin/python", "-c", "import pulumi, pandas, sociometer; print(sociometer.__file__)"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(clone)


def test_of_two_that_miss_uv_one_installs_it_and_both_have_it(tmp_path: Path) -> None:
    environment = {**os.environ, "SOCIOMETER_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "UV": ""}
    (tmp_path / "cache/.uv.killed").mkdir(parents=True)
    words = ["sh", ROOT / "tools/uv.sh"]
    both = [
        subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [(*process.communicate(timeout=SECONDS), process.returncode) for process in both]
    assert [code for _, _, code in ended] == [0, 0], ended
    assert "".join(said for _, said, _ in ended).count("Installing uv") == 1
    [place] = {Path(printed.strip()) for printed, _, _ in ended}
    assert subprocess.run([place, "--version"], capture_output=True, text=True, check=True).stdout.startswith("uv ")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [place.parents[1].name, "uv.lock"]
