"""What runs as the container's command: one command of the user's, and before and after it what the container needs.

`python -m infra.lab_container.inside WORDS…` runs the words in the current folder, which is the caller's. With the
words ``receive FILE`` it keeps standard input as a file. `OWNER` is a variable that `lab-shell` sets.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType

from infra.lab_container import groups
from kit import child, interrupts
from kit.paths import data_dir
from kit.scratch import temporary_folder

OWNER = "SOCIOMETER_LAB_OWNER"
"""To whom files belong that the command makes in the caller's folder: ``UID:GID``. Not set where that is as it is."""
RECEIVE = "receive"
ROOT = 0
"""The user as whom commands run here."""
STORE = "store.sqlite"
RESULTS = Path("results")
LONGEST_SECONDS = 7 * 24 * 3600.0
"""Of a command, or of a shell that somebody has left open."""
FILES_CLOCK = 5
"""CLOCK_REALTIME_COARSE, from which Linux takes the times of files: a file may seem older than a finer clock."""
KEPT_SECONDS = 24 * 3600
"""An image that was sent is removed after this: another command may still read it."""
SHELLS = ("bash", "sh")


def main(words: Sequence[str]) -> int:
    """Run the words; gives their exit code, 128 and the number for a signal."""
    if words[0] == RECEIVE:
        receive(Path(words[1]))
        return 0
    if reason := groups.hand_down():
        sys.stderr.write(f"warning: cgroups are not as the lab needs them: {reason}. `sociometer doctor` says more.\n")
    began_ns = time.clock_gettime_ns(FILES_CLOCK)
    code = attended(words)
    try:
        bring_out(began_ns, os.environ.get(OWNER))
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"error: what was measured cannot be brought out to the current folder: {error}.\n")
        return code or 1
    return code


def receive(file: Path) -> None:
    """Keep standard input as a file in a folder of its own; such folders beside it that are old are removed."""
    for folder in file.parents[1].glob("*"):
        with suppress(FileNotFoundError):  # another command removes it just now
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(".draft-", file.parent) as room:
        with (room / file.name).open("wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target, 1 << 20)
        (room / file.name).replace(file)


def attended(words: Sequence[str]) -> int:
    """Run a command in this terminal, hand on what this process is told, and wait for its end.

    Ctrl-C in a terminal reaches the command by itself. A shell heeds only that its terminal is gone.
    """
    is_shell, in_terminal = Path(words[0]).name in SHELLS, os.isatty(0)
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    started: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        if not (number == signal.SIGINT and in_terminal):
            told.put(signal.SIGHUP if is_shell and number == signal.SIGTERM else number)
        while started and not told.empty():
            started[0].send_signal(told.get())

    earlier = [(number, signal.signal(number, hand_on)) for number in interrupts.SIGNALS]
    try:
        started.append(child.start(words, stdin=None, start_new_session=False, env=dict(os.environ)))
        while not told.empty():  # before it had started
            started[0].send_signal(told.get())
        code = started[0].wait(LONGEST_SECONDS)
    finally:
        for number, handler in earlier:
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def bring_out(began_ns: int, owner: str | None) -> None:
    """Copy the records, if there are new ones, into `RESULTS` of the current folder, and give new files there to the
    owner.

    The store itself lies on the volume, because not every shared folder can lock files.
    """
    store = data_dir() / STORE
    if any(file.stat().st_mtime_ns >= began_ns for file in store.parent.glob(f"{STORE}*") if file.suffix != ".lock"):
        RESULTS.mkdir(exist_ok=True)
        with temporary_folder("store-", store.parent) as room:
            with closing(sqlite3.connect(store)) as records, closing(sqlite3.connect(room / STORE)) as copy:
                records.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, whoever reads it, and wherever it lies
            draft = RESULTS / f".{STORE}"
            shutil.copyfile(room / STORE, draft)
            draft.rename(RESULTS / STORE)
    if owner:
        uid, gid = map(int, owner.split(":"))
        for path in _made_since(began_ns):
            os.chown(path, uid, gid, follow_symlinks=False)


def _made_since(began_ns: int) -> Iterator[Path]:
    """What root has made or changed in the current folder since then."""
    for folder, names, files in os.walk("."):
        for name in (*names, *files):
            path = Path(folder, name)
            with suppress(FileNotFoundError):  # somebody else works there, too
                status = path.lstat()
                if status.st_uid == ROOT and status.st_ctime_ns >= began_ns:
                    yield path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
