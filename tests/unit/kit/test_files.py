import subprocess
import sys
from pathlib import Path

import pytest

from kit.files import made_once

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
