import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kit.errors import SociometerError
from kit.files import check_can_be_made, made_once, private_folder, write, write_private

MAKER = """
import sys, time
from pathlib import Path
from kit.files import made_once

def make(folder):
    with Path(sys.argv[2]).open("a") as log:
        log.write("made\\n")
    (folder / "first").write_text("half")
    print("half-way", flush=True)
    time.sleep(float(sys.argv[3]))
    (folder / "second").write_text("all")

made_once(Path(sys.argv[1]), make)
"""


def maker(place: Path, log: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKER, place, log, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_place_killed_half_way_is_not_there_and_is_made_again(tmp_path: Path) -> None:
    place, log = tmp_path / "cache" / "place", tmp_path / "log"
    with maker(place, log, 60) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half-way\n"
        process.kill()
    assert not place.exists()
    with maker(place, log, 0) as process:
        assert process.wait() == 0
    assert sorted(path.name for path in place.iterdir()) == ["first", "second"]


@pytest.mark.slow
def test_two_at_once_make_it_once_and_both_see_it_whole(tmp_path: Path) -> None:
    place, log = tmp_path / "place", tmp_path / "log"
    with maker(place, log, 0.5) as one, maker(place, log, 0.5) as other:
        assert (one.wait(), other.wait()) == (0, 0)
    assert log.read_text() == "made\n"
    assert (place / "second").read_text() == "all"


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()

    def make(_folder: Path) -> None:
        pytest.fail("made again")

    assert made_once(tmp_path / "place", make) == tmp_path / "place"


def test_failed_attempt_leaves_no_place(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "first").write_text("half")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        made_once(tmp_path / "place", make)
    assert not (tmp_path / "place").exists()


def test_a_pipe_or_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(pipe, "report")
    reader.join(10)
    assert read == ["report"]
    assert pipe.is_fifo()


def test_a_link_stays_a_link_to_the_file_that_is_written(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to("report.md")
    write(link, "report")
    assert link.is_symlink()
    assert (tmp_path / "report.md").read_text() == "report"


@pytest.mark.parametrize("place", ["file/results", "file/store.sqlite"])
def test_a_place_below_a_file_cannot_be_made_and_is_said_to_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    check_can_be_made(tmp_path / "new/results")
    with pytest.raises(SociometerError, match=f"{tmp_path}/file is no folder"):
        check_can_be_made(tmp_path / place)


def test_what_only_its_owner_may_read_is_so_from_its_beginning(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "login", "secret")
        folder = private_folder(tmp_path / "state" / "mine")
    finally:
        os.umask(before)
    assert (tmp_path / "login").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "login", "another")


def test_a_folder_that_others_could_look_into_is_closed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    assert private_folder(tmp_path / "state").stat().st_mode & 0o777 == 0o700
