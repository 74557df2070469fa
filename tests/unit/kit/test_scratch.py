from __future__ import annotations

import errno
import re
import signal
import socket
import tempfile
from pathlib import Path

import pytest

from kit.errors import CommandFailed, MachineError, SettingsError
from kit.scratch import scratch, socket_folder, temporary_folder


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes right behind the making of a folder."""
    make = tempfile.mkdtemp

    def mkdtemp(*words: object, **named: object) -> str:
        folder = make(*words, **named)
        signal.raise_signal(signal.SIGINT)
        return str(folder)

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_behind_the_making_of_a_temporary_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), temporary_folder(".draft-", tmp_path):
        pytest.fail("the block ran")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_behind_the_making_of_scratch_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), scratch("build"):
        pytest.fail("the block ran")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["in-use"]


def test_a_temporary_folder_may_be_renamed_away(tmp_path: Path) -> None:
    with temporary_folder(".draft-", tmp_path) as draft:
        (draft / "file").touch()
        draft.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_sockets_lie_in_the_room_or_where_their_paths_are_short_enough(tmp_path: Path) -> None:
    short, long = Path("/tmp/short"), tmp_path / ("x" * 100)  # noqa: S108 - nothing is made there
    with socket_folder(short) as folder:
        assert folder == short
    with socket_folder(long) as folder, socket.socket(socket.AF_UNIX) as listening:
        assert folder.stat().st_mode & 0o077 == 0
        listening.bind(str(folder / "socket.ttrpc"))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (CommandFailed("tar failed. It said:\n  No space left on device"), True),
        (CommandFailed("tar failed."), False),
        (OSError(errno.EACCES, "Permission denied"), False),
        (SettingsError("No space left on device is no form."), False),
    ],
    ids=["system", "tool", "tool without cause", "other cause", "not of a tool"],
)
def test_what_fails_in_scratch_for_lack_of_room_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, full: bool
) -> None:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    with pytest.raises(MachineError if full else type(error)) as raised, scratch("build"):
        raise error
    if full:
        assert re.fullmatch(
            r"The disk with \S+ was full.* Make room, or move it with \w+, and try again\.", str(raised.value)
        )
