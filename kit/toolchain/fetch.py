"""Get releases: whether they can be had at all, then four at once, each checked against its pin.

Where they cannot be had, that is known after a few seconds for all of them, so that building is not held up.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kit.beside import as_they_end, within
from kit.errors import DownloadError
from kit.toolchain.releases import Release, where
from kit.values import Notify

if TYPE_CHECKING:
    import httpx  # slow to import, and mostly nothing is missing

AT_ONCE = 4
ATTEMPTS = 5
CONNECT_SECONDS = 3.0
PROBE_SECONDS = 5.0
"""Time limit of the one question; without it, a resolver that nobody answers keeps each of us for half a minute."""
NOTIFY_BYTES = 4 << 20
REFUSED = frozenset({401, 403, 407, 451})
"""Answers of a proxy, a filter or a mirror that lets nobody in; any other says that there is somebody."""


def why_not(release: Release) -> str | None:
    """Why no release can be downloaded from here; None when they can. Asks for the first byte of one of them.

    Raises `SettingsError` when the mirror is no address.
    """
    address = release.address
    try:
        return within(PROBE_SECONDS, lambda: _ask(address))  # looking up a name has no limit of its own
    except TimeoutError:
        return f"{where()} did not answer within {PROBE_SECONDS:g} s"


def fetch(
    releases: Sequence[Release], folder: Path, notify: Notify
) -> Generator[tuple[Release, Future[Path]], None, None]:
    """Download releases into ``folder``, and give each as it ends, as its file there.

    A result raises `ChecksumError` when the file is another one than is pinned, `DownloadError` when it does not come;
    what came of it is kept for the next call.
    """
    from kit import download

    stopped = threading.Event()

    def tell(_line: str) -> None:
        if stopped.is_set():
            raise DownloadError("It was stopped.")
        notify(f"{megabytes(folder):.0f} MB")

    with download.http_client(CONNECT_SECONDS) as web:

        def get(release: Release) -> Path:
            target = folder / f"{release.sha256[:12]}-{release.file}"
            download.download(
                release.address, target, release.sha256, tell, web=web, attempts=ATTEMPTS, notify_bytes=NOTIFY_BYTES
            )
            return target

        try:
            yield from as_they_end(get, releases, AT_ONCE)
        finally:
            stopped.set()


def sizes(releases: Sequence[Release]) -> dict[Release, int | None]:
    """How many bytes each release's file has, as the publisher says; None when it does not."""
    return {release: size.result() for release, size in as_they_end(_size, releases, AT_ONCE)}


def megabytes(folder: Path) -> float:
    """What the folder's files hold so far."""
    total = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # it got its final name meanwhile
            total += path.stat().st_size
    return total / 1e6


def _ask(address: str) -> str | None:
    import httpx

    from kit import download

    try:
        with _first_byte(address) as answer:
            if answer.status_code not in REFUSED:
                return None
            return f"{answer.url.host} answers {answer.status_code} {answer.reason_phrase}"
    except httpx.ProxyError as error:
        return f"the proxy refuses {where()}: {download.reason(error)}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{where()} is out of reach: {download.reason(error)}"


def _size(release: Release) -> int | None:
    import httpx

    try:
        with _first_byte(release.address) as answer:
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            whole = whole or (answer.headers.get("Content-Length", "") if answer.is_success else "")
            return int(whole) if whole.isdigit() else None
    except httpx.HTTPError:
        return None


@contextmanager
def _first_byte(address: str) -> Iterator[httpx.Response]:
    from kit import download

    with (
        download.http_client(CONNECT_SECONDS) as web,
        web.stream("GET", address, headers={"Range": "bytes=0-0"}) as answer,
    ):
        yield answer
