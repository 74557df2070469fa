"""The three standard streams as a command may meet them: closed by whoever started it, or gone while it runs."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDERR = 2
_GONE = (errno.EPIPE, errno.EIO)
"""Nobody reads the pipe any more; the terminal is gone."""


def prepare() -> None:
    """Open those that are closed, so that no file of ours gets their number, and notice when nobody listens any more.

    Call it once, before anything else is opened.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    encoding = sys.stderr.encoding if sys.stderr else None
    listened = io.BufferedWriter(_Listened(_STDERR, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(listened, encoding, errors="backslashreplace", line_buffering=True)


class _Listened(io.FileIO):
    """Standard error, which tells a person how far we are. When it cannot be written any more, that person's
    connection is lost: then this is a hang-up, whether or not the kernel says so with a signal.
    """

    def write(self, text: ReadableBuffer, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            os.kill(os.getpid(), signal.SIGHUP)
            return len(memoryview(text))
