"""Completion in the shells themselves: installed by the documented command, and asked for with the Tab key."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.toolchain import packages

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
SHELLS = ("bash", "zsh", "fish")
SECONDS = 30.0
"""After so long, nothing more will be shown: a busy machine takes a while to start a shell."""


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        packages.install([name])
    return name


@pytest.fixture
def home(shell: str, tmp_path: Path) -> Mapping[str, str]:
    """The environment of a user in whose shell the command was typed that the README names."""
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "SOCIOMETER_DATA": str(tmp_path / "data"),
    }
    status = "$status" if shell == "fish" else "$?"
    command = f"sociometer --install-completion; exit {status}"
    done = subprocess.run([shell, "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{shell} completion installed" in done.stdout
    return environment


class Terminal:
    """An interactive shell, as somebody types into it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.shown = ""

    def types(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def shows(self, text: str) -> bool:
        """Whether the text appears, after what was waited for before."""
        until = time.monotonic() + SECONDS
        seen = ""
        while text not in seen and time.monotonic() < until:
            ready, _, _ = select.select([self._descriptor], [], [], 0.2)
            if ready:
                more = os.read(self._descriptor, 65536).decode(errors="replace")
                seen, self.shown = seen + more, self.shown + more
        return text in seen


@contextmanager
def terminal(shell: str, environment: Mapping[str, str], folder: Path) -> Iterator[Terminal]:
    """The shell in a terminal of its own, until the block ends."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", shell, "-i"], env=dict(environment), cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        opened = Terminal(ours)
        opened.types("echo be''gun\r")
        assert opened.shows("begun"), opened.shown
        yield opened
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("sociometer relay", "relayout"),
        ("sociometer help readi", "readiness"),
        ("sociometer run --forms plain,unc", "plain,uncompressed"),
        ("sociometer run --profile fargate-1024", "fargate-1024-2048"),
    ],
)
def test_tab_completes_commands_words_forms_and_profiles(
    shell: str, home: Mapping[str, str], tmp_path: Path, typed: str, completed: str
) -> None:
    with terminal(shell, home, tmp_path) as opened:
        opened.types(typed)
        assert opened.shows(typed.rpartition(" ")[2]), opened.shown
        opened.types("\t")
        rest = completed.removeprefix(typed.rpartition(" ")[2])
        assert opened.shows(rest), opened.shown
