"""Every error a user may meet, as one tree; the CLI turns each into one line and an exit code.

    SociometerError            exit 1
    ├── SettingsError          exit 2   a setting is unknown, of the wrong type, or impossible
    ├── MachineError           exit 3   this machine lacks something (root, /dev/fuse, disk, a port)
    ├── CommandError           exit 1   a tool could not be run, failed, or hung
    │   ├── CommandNotFound
    │   ├── CommandFailed
    │   └── CommandTimeout
    ├── DownloadError          exit 1   a file cannot be had from where it should be
    │   └── ChecksumError                what came is another file than the one that is pinned
    ├── ImageError             exit 1   an image, layer or index is not what it should be
    │   └── RegistryUnreachable         nobody answers: says nothing about what the registry holds
    ├── TraceError             exit 1   a trace cannot be read, or is of another image
    ├── LabError               exit 1   a lab host or task did not do what it should
    ├── AwsError               exit 1   AWS refused a call, or gave no answer
    │   └── CredentialsError            nobody is logged in, or no longer
    ├── StackError             exit 1   the stack's state or outputs cannot be used
    ├── StoreError             exit 1   the record store cannot be read or written
    ├── SweepError             exit 1   a sweep cannot start or go on
    ├── CommentError           exit 1   a pull request cannot be commented on
    ├── SlowerError            exit 4   a start became slower than `--fail-if-slower` allows
    └── UnsureError            exit 5   `compare --fail-if-unsure` cannot rule that out

Messages say what happened, with which value, and what to do, and no credential: whatever a tool said in them.
Boundaries translate with ``raise … from``.
"""

from __future__ import annotations

from kit.credentials import hidden
from kit.visible import message


class SociometerError(Exception):
    """Root of the tree; ``exit_code`` is what the command line ends with."""

    exit_code = 1

    def __str__(self) -> str:
        return message(hidden(super().__str__()))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows (IPython's protocol): the message says it all, a traceback would hide it."""
        return [f"{type(self).__name__}: {self}"]


class SettingsError(SociometerError):
    """A setting is unknown, of the wrong type, or impossible: key, value and what is allowed."""

    exit_code = 2


class MachineError(SociometerError):
    """This machine lacks something that the work needs."""

    exit_code = 3


class CommandError(SociometerError):
    """A tool could not do its work."""


class CommandNotFound(CommandError):
    """The tool is not installed."""


class CommandFailed(CommandError):
    """The tool ended with a non-zero exit code."""


class CommandTimeout(CommandError):
    """The tool did not end within its time limit and was killed."""


class DownloadError(SociometerError):
    """A file cannot be downloaded: its address, and why."""


class ChecksumError(DownloadError):
    """What came is another file than the one that is pinned: both sums."""


class ImageError(SociometerError):
    """An image, layer or index is not what it should be."""


class RegistryUnreachable(ImageError):
    """A registry does not answer; what it holds is unknown."""


class TraceError(SociometerError):
    """A trace cannot be read, or does not go with the image."""


class LabError(SociometerError):
    """A lab host or task did not do what it should."""


class AwsError(SociometerError):
    """AWS refused a call or gave no answer, after all tries: the operation, the code and what to do."""


class CredentialsError(AwsError):
    """AWS does not know who asks: credentials are missing or expired, or this machine's clock is wrong."""


class StackError(SociometerError):
    """The stack's state or outputs cannot be used."""


class StoreError(SociometerError):
    """The record store cannot be read or written."""


class SweepError(SociometerError):
    """A sweep cannot start or go on."""


class CommentError(SociometerError):
    """A pull or merge request cannot be commented on."""


class SlowerError(SociometerError):
    """A start became slower than it may, and that is no chance."""

    exit_code = 4


class UnsureError(SociometerError):
    """The data cannot tell whether a start became slower than it may, and that was asked for."""

    exit_code = 5
