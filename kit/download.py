"""Downloads one large file: resumes after a lost connection or a killed process, and checks the result."""

from __future__ import annotations

import functools
import hashlib
import ssl
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import httpx
import stamina

from kit.addresses import shown
from kit.errors import ChecksumError, DownloadError
from kit.values import Notify

ATTEMPTS = 10
TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 10.0
NOTIFY_BYTES = 32 << 20
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Incomplete(Exception):
    """The file is not complete, or the part from before does not match: worth another attempt."""


def http_client(connect_seconds: float = CONNECT_SECONDS) -> httpx.Client:
    """Follows redirects, uses the machine's proxy, and trusts the machine's own authorities beside the public ones."""
    limits = httpx.Timeout(TIMEOUT_SECONDS, connect=connect_seconds)
    return httpx.Client(follow_redirects=True, timeout=limits, verify=_trusted())


@functools.cache
def _trusted() -> ssl.SSLContext:
    trusted = httpx.create_ssl_context()
    trusted.load_default_certs()
    return trusted


def download(
    url: str,
    target: Path,
    sha256: str | None,
    notify: Notify,
    *,
    web: httpx.Client | None = None,
    attempts: int = ATTEMPTS,
    notify_bytes: int = NOTIFY_BYTES,
) -> None:
    """Download ``url`` to ``target`` unless it exists; ``.part`` and ``.version`` beside it are an unfinished attempt.

    ``notify`` is told each time that ``notify_bytes`` more have come. ``web`` is a client that others use, too.
    Raises `DownloadError` when the server refuses or stays unreachable (the next call goes on from there),
    `ChecksumError` when the bytes have another SHA-256 than the one given (they are removed).
    """
    if target.exists():
        return
    with nullcontext(web) if web is not None else http_client() as used:
        transfer = _Transfer(url, target, notify, used, notify_bytes)
        try:
            for attempt in stamina.retry_context(on=_is_worth_another, attempts=attempts, timeout=None):
                with attempt:
                    transfer.go_on()
        except (httpx.HTTPError, httpx.InvalidURL, _Incomplete) as error:
            said = f"{shown(url)} cannot be downloaded: {reason(error)}. What came is kept for a next try."
            raise DownloadError(said) from error
    transfer.version.unlink(missing_ok=True)
    _check(url, transfer.part, sha256)
    transfer.part.rename(target)


@dataclass(frozen=True)
class _Transfer:
    url: str
    target: Path
    notify: Notify
    web: httpx.Client
    notify_bytes: int

    @property
    def part(self) -> Path:
        """The bytes received so far."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def version(self) -> Path:
        """The version of the file that they belong to, as the server names it."""
        return self.target.with_name(f"{self.target.name}.version")

    def go_on(self) -> None:
        """Request what is missing; returns when the file is complete."""
        have_bytes = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity", **self._range(have_bytes)}
        with self.web.stream("GET", self.url, headers=headers) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._nothing_missing(answer, have_bytes)
            else:
                answer.raise_for_status()
                self._receive(answer, self._start(answer, have_bytes))

    def _range(self, have_bytes: int) -> dict[str, str]:
        """Ask for the rest of the same version only; a server with another version sends all of it."""
        if not have_bytes or not self.version.exists():
            return {}
        return {"Range": f"bytes={have_bytes}-", "If-Range": self.version.read_text()}

    def _nothing_missing(self, answer: httpx.Response, have_bytes: int) -> None:
        if answer.headers.get("Content-Range") != f"bytes */{have_bytes}":
            self.part.unlink()
            raise _Incomplete("the server has fewer bytes than came before")

    def _start(self, answer: httpx.Response, have_bytes: int) -> int:
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            return 0
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have_bytes}-"):
            self.part.unlink()
            raise _Incomplete("the server sent another range than it was asked for")
        return have_bytes

    def _receive(self, answer: httpx.Response, start: int) -> None:
        if start == 0:
            self._remember_version(answer)
        announced = int(answer.headers["Content-Length"]) + start if "Content-Length" in answer.headers else None
        with self.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            for chunk in answer.iter_bytes():  # as it comes: a chunk that is still being gathered would be lost
                self._tell(file.tell(), file.tell() + len(chunk), announced)
                file.write(chunk)
            done = file.tell()
        if announced is not None and done != announced:
            raise _Incomplete(f"{done} of {announced} bytes came")

    def _remember_version(self, answer: httpx.Response) -> None:
        """A weak ETag may name two files with different bytes, so it is none (RFC 9110, 13.1.5)."""
        tag = answer.headers.get("ETag", "W/")
        version = answer.headers.get("Last-Modified") if tag.startswith("W/") else tag
        self.version.unlink(missing_ok=True)
        if version:
            self.version.write_text(version)

    def _tell(self, before: int, after: int, total: int | None) -> None:
        if before // self.notify_bytes != after // self.notify_bytes:
            of_all = "" if total is None else f" of {total / 1e6:.0f}"
            self.notify(f"{self.target.name}: {after / 1e6:.0f}{of_all} MB downloaded")


def _is_worth_another(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in BUSY
    return isinstance(error, (httpx.TransportError, _Incomplete)) and not isinstance(error, httpx.UnsupportedProtocol)


def reason(error: Exception) -> str:
    """What an error of the network says, in words for people."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answers {error.response.status_code} {error.response.reason_phrase}"
    return str(error) or type(error).__name__


def _check(url: str, path: Path, wanted: str | None) -> None:
    if wanted is None:
        return
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != wanted:
        path.unlink()
        raise ChecksumError(
            f"{shown(url)} has the SHA-256 {got} instead of {wanted}. It was removed; check the address."
        )
