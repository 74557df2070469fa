"""Reads in the soci-snapshotter's log why layers were not loaded lazily, and how others were loaded.

The snapshotter writes one JSON object per line. A layer that it cannot serve it leaves to containerd, with a line at
level ``warning`` that has ``"remote-snapshot-prepared": "false"`` and an error (soci-snapshotter `snapshot/snapshot.go`
and `fs/fs.go`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from kit.documents import Unreadable, object_of

_LAYER = re.compile(r'failed to resolve layer "(?P<digest>sha256:[0-9a-f]{64})" from "[^"]*": (?P<cause>.+)', re.DOTALL)
_SAID_ALWAYS = re.compile(
    r"(cannot get ztoc; )?(skip lazy-loading this layer|download and unpack this layer in container runtime for now): "
)
_NOT_PROMISED = ("no ztoc for layer",)
"""Of layers that were left out of the index on purpose."""
_PREFETCHES = re.compile(r"Loading prefetch artifact (sha256:[0-9a-f]{64})")
_PREFETCH_FAILED = "Failed to execute prefetch"
_IN_PARALLEL = "preparing snapshot with parallel pull/unpack"
_AS_LOCAL = "preparing snapshot as local snapshot"
_READ_FAILED = "statFile error"
_FETCH_FAILED = "error trying to resolve layer, removing it from the queue"
_DAMAGED = "mismatched digest"


@dataclass(frozen=True)
class FallenBack:
    """A layer that was downloaded whole: its digest (None where the log names none) and the snapshotter's words."""

    layer_digest: str | None
    reason: str


class Loading(NamedTuple):
    """Of how many layers the spans that the index names were fetched before the mount, and how many layers were pulled
    and unpacked whole in the parallel mode."""

    prefetched: int = 0
    in_parallel: int = 0


def fallen_back(log: str) -> tuple[FallenBack, ...]:
    """Each layer that the snapshotter was to load lazily and did not, once, in the order of the log.

    Layers that have no zTOC because the index leaves them out are not among them. Lines that are not JSON are skipped:
    the last one of a living daemon may be half written.
    """
    found: dict[FallenBack, None] = {}
    failures: list[str] = []
    for line in lines(log.splitlines()):
        if line.get("remote-snapshot-prepared") == "false":
            failures.append(str(line.get("error", "it gives no reason")))
        elif line.get("msg") == _AS_LOCAL and failures:
            found[_layer(failures.pop(0), _digest_in(line))] = None
    for failure in failures:
        found[_layer(failure, None)] = None
    return tuple(layer for layer in found if not layer.reason.startswith(_NOT_PROMISED))


def loading(log: str) -> Loading:
    """What the log says of layers that were not simply mounted; each layer counts once (`fs/layer/layer.go`)."""
    said_lines = list(lines(log.splitlines()))
    said = [str(line.get("msg", "")) for line in said_lines]
    artifacts = {match[1] for text in said if (match := _PREFETCHES.match(text))}
    failed = sum(text.startswith(_PREFETCH_FAILED) for text in said)
    in_parallel = {_digest_in(line) for line in said_lines if line.get("msg") == _IN_PARALLEL}
    return Loading(max(0, len(artifacts) - failed), len(in_parallel))


def failed_reads(log: str, until_ns: int) -> str:
    """What the snapshotter could not read until some moment; empty if nothing: reads of the container, spans that it
    fetched unasked, and damaged zTOCs and layers.

    Nobody else knows of them: the kernel may not have needed what it read ahead, and containerd fetches what the
    snapshotter gives up, without its index or after it (`fs/layer/node.go`, `fs/backgroundfetcher/`, `fs/unpacker.go`).
    """
    reasons: dict[str, None] = {}
    for line in lines(line for line in log.splitlines() if _says_failed(line)):
        error = line.get("error")
        with suppress(KeyError, TypeError, ValueError, OverflowError):  # half written, or nobody's
            if isinstance(error, str) and nanoseconds(line["time"]) <= until_ns:
                reasons[error] = None
    if not reasons:
        return ""
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"The soci-snapshotter could not read what was asked for: {next(iter(reasons))}{more}."


def _says_failed(line: str) -> bool:
    return any(f'"msg":"{words}"' in line for words in (_READ_FAILED, _FETCH_FAILED)) or _DAMAGED in line


def told(layers: tuple[FallenBack, ...], most: int = 3) -> str:
    """The same in words, to be put behind a sentence; empty when nothing fell back."""
    if not layers:
        return ""
    named = "; ".join(f"{layer.layer_digest or 'a layer'} ({layer.reason})" for layer in layers[:most])
    more = f" and {len(layers) - most} more" if len(layers) > most else ""
    return f"The soci-snapshotter left to containerd: {named}{more}."


def _digest_in(line: dict[str, Any]) -> str | None:
    digest = line.get("layerDigest")
    return digest if isinstance(digest, str) else None


def _layer(error: str, digest: str | None) -> FallenBack:
    """The error names its layer; where it does not, the line that follows does."""
    if match := _LAYER.search(error):
        digest, error = match["digest"], match["cause"]
    return FallenBack(digest, _SAID_ALWAYS.sub("", error).strip().rstrip("."))


def lines(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What each line of the log says; what is no JSON object is skipped."""
    for text in texts:
        with suppress(Unreadable):
            yield object_of(text)


def nanoseconds(time: str) -> int:
    """A line's ``time``, since the epoch, to the microsecond. Raises `ValueError` or `TypeError` for what is none."""
    moment = datetime.fromisoformat(time)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
