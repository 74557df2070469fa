from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from experiments.store.store import default_path
from infra.lab_container import inside
from kit.paths import data_dir

WAITS = "import signal, sys; signal.signal({number}, lambda *_: sys.exit(41)); print('up', flush=True); signal.pause()"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The caller's folder, beside a volume; cgroups are none of this module's business here."""
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("infra.lab_container.groups.hand_down", lambda: None)
    (tmp_path / "data").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def measure() -> None:
    """Leave a record, as a sweep does, in a log that is not yet part of the file."""
    with closing(sqlite3.connect(data_dir() / inside.STORE)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("CREATE TABLE sweeps (id)")
        store.execute("INSERT INTO sweeps VALUES (7)")
        store.commit()


def test_the_records_are_those_of_the_store() -> None:
    assert data_dir() / inside.STORE == default_path()


def test_the_exit_code_is_that_of_the_command_and_a_signal_counts_from_128() -> None:
    assert inside.main(["sh", "-c", "exit 7"]) == 7
    assert inside.main(["sh", "-c", "kill -9 $$"]) == 137


def test_new_records_are_brought_out_and_old_ones_are_not_brought_out_again(work: Path) -> None:
    before = time.clock_gettime_ns(inside.FILES_CLOCK)
    measure()
    inside.bring_out(before, None)
    with closing(sqlite3.connect(work / "results" / inside.STORE)) as copy:
        assert copy.execute("SELECT id FROM sweeps").fetchall() == [(7,)]
        assert copy.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    assert [path.name for path in (work / "results").iterdir()] == [inside.STORE]
    (work / "results" / inside.STORE).unlink()
    time.sleep(0.02)
    inside.bring_out(time.clock_gettime_ns(inside.FILES_CLOCK), None)
    assert list((work / "results").iterdir()) == []


def test_a_command_that_measures_nothing_makes_no_folder(work: Path) -> None:
    assert inside.main(["true"]) == 0
    assert list(work.iterdir()) == []


def test_what_the_command_makes_is_given_to_the_caller_and_what_was_there_is_left(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "theirs").touch()
    given: list[str] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, follow_symlinks: given.append(f"{path} {uid}:{gid}"))
    monkeypatch.setattr(inside, "ROOT", os.getuid())  # whoever runs the tests
    monkeypatch.setenv(inside.OWNER, "1000:100")
    time.sleep(0.02)  # longer than a tick of the file system's clock
    assert inside.main(["sh", "-c", "mkdir a; touch a/b; ln -s nowhere c"]) == 0
    assert sorted(given) == ["a 1000:100", "a/b 1000:100", "c 1000:100"]


def test_records_that_cannot_be_brought_out_are_told_and_fail_the_command(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "results").touch()  # a file is in the way
    monkeypatch.setattr(inside, "attended", lambda _words: measure() or 0)
    assert inside.main(["sociometer"]) == 1
    assert "error: what was measured cannot be brought out" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_handed_on_to_the_command_once(number: signal.Signals, work: Path) -> None:
    words = [sys.executable, "-m", "infra.lab_container.inside", sys.executable, "-c", WAITS.format(number=int(number))]
    environment = {**os.environ, "PYTHONPATH": str(Path(inside.__file__).parents[2])}
    with subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait(30) == 41


def test_an_image_is_kept_whole_and_one_of_yesterday_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "sent/old/web.tar", tmp_path / "sent/new/web.tar"
    for file in (old, new):
        monkeypatch.setattr(sys, "stdin", (tmp_path / "data" / "in").open("w+"))
        with sys.stdin:
            sys.stdin.write(file.parent.name)
            sys.stdin.seek(0)
            assert inside.main([inside.RECEIVE, str(file)]) == 0
        if file is old:
            os.utime(old.parent, (0, 0))
    assert new.read_text() == "new"
    assert [path.name for path in (tmp_path / "sent").iterdir()] == ["new"]
