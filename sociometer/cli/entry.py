"""Where the `sociometer` process begins, and how it ends: every error as one line and an exit code.

It imports little, so that a signal is already handled while the rest is imported.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from kit.credentials import hidden
from kit.errors import SociometerError
from kit.interrupts import for_children
from sociometer.cli import interrupts, streams

WRITABLE_BY_OTHERS = 0o022
"""What commands make, and what they start, is never so, whatever umask they were started with."""


def main() -> None:
    """Entry point: ends the process with the exit code of what happened."""
    streams.prepare()
    for_children()
    ended(_commands)


def ended(command: Callable[[], object]) -> None:
    """Run a command and end the process: with its exit code, that of its error, or that of a signal."""
    os.umask(os.umask(0o077) | WRITABLE_BY_OTHERS)
    sys.excepthook = _tell
    with interrupts.handled() as received:
        try:
            command()
        except SystemExit as ended:
            sys.exit(received.exit_code if ended.code == interrupts.KEYBOARD_EXIT_CODE else ended.code)
        except (SociometerError, OSError) as error:
            if os.environ.get("SOCIOMETER_DEBUG") == "1":
                raise
            text, code = (error, error.exit_code) if isinstance(error, SociometerError) else (_of_the_system(error), 1)
            sys.stderr.write(f"error: {hidden(str(text))}\n")
            sys.exit(code)
        except KeyboardInterrupt:
            sys.exit(received.exit_code)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's own words about an error that is ours to mend; without credentials, for whatever a library says."""
    sys.stderr.write(hidden("".join(traceback.format_exception(kind, error, trace))))


def _of_the_system(error: OSError) -> str:
    """What the operating system refused, in one line: a full disk, or a folder that nobody may write to."""
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror or error}. SOCIOMETER_DEBUG=1 shows where."


def _commands() -> None:
    from sociometer.cli.main import app  # most of a short command's time

    app()
