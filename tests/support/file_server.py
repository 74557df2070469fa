"""A server of files on loopback, over real connections, with the faults that a test sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serves ``files`` by their paths; stands in for a publisher, a mirror, or a proxy that gets whole addresses.

    ``statuses`` are the next answers before it serves anything; ``bytes_per_answer`` cuts each answer; ``moved`` sends
    everybody on, to another path; ``before`` is called with each path before the answer, ``stall`` in the middle of
    it, after ``stalls_after`` bytes.
    """

    etag: str | None = '"one"'
    ranges = True
    bytes_per_answer: int | None = None
    seconds_per_answer = 0.0
    stalls_after: int | None = None
    statuses: tuple[int, ...] = ()
    connect_status = 403
    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.stall: Callable[[], object] = lambda: None
        self.moved: dict[str, str] = {}
        self.before: Callable[[str], object] = lambda _path: None
        self.asked: list[tuple[str, str | None]] = []
        """The path and the range of each request."""
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ranges_asked(self) -> list[str | None]:
        return [asked for _, asked in self.asked]


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_CONNECT(self) -> None:
        """As a proxy that lets nobody through."""
        self.server.asked.append((self.path, None))
        self.send_error(self.server.connect_status)

    def do_GET(self) -> None:
        path = f"/{self.path.split('/', 3)[3]}" if self.path.startswith("http://") else self.path
        self.server.asked.append((path, self.headers["Range"]))
        self.server.authorizations.append(self.headers["Authorization"])
        self.server.before(path)
        time.sleep(self.server.seconds_per_answer)
        if self.server.statuses:
            status, *rest = self.server.statuses
            self.server.statuses = tuple(rest)
            self.answer(status)
        elif path in self.server.moved:
            self.answer(302, headers={"Location": self.server.moved[path]})
        elif path not in self.server.files:
            self.answer(404)
        else:
            self.serve(self.server.files[path])

    def serve(self, content: bytes) -> None:
        size = len(content)
        start, end = self.range(size)
        if start >= size:
            self.answer(416, headers={"Content-Range": f"bytes */{size}"})
        elif (start, end) != (0, size):
            self.answer(206, content[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{size}"})
        else:
            self.answer(200, content)

    def range(self, size: int) -> tuple[int, int]:
        asked, condition = self.headers["Range"], self.headers["If-Range"]
        if asked is None or not self.server.ranges or (condition and condition != self.server.etag):
            return 0, size
        first, last = asked.removeprefix("bytes=").split("-")
        return int(first), min(size, int(last) + 1) if last else size

    def answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        content = content[: self.server.bytes_per_answer]
        if self.server.stalls_after is not None and len(content) > self.server.stalls_after:
            self.wfile.write(content[: self.server.stalls_after])
            self.server.stall()
            content = content[self.server.stalls_after :]
        with suppress(ConnectionError):  # whoever asked may be gone by now
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return
