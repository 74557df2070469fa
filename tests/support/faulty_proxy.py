"""An HTTP proxy on loopback that does wrong, once or always, what a network or a server can do wrong.

It knows HTTP, which toxiproxy does not: so a fault can be told to hit the second answer for a layer, half way, once.
Everything else goes through as it is. ``hits`` tells which faults have struck what, so that a test knows that it
tested something.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

from tests.support.background import answering

PIECE_BYTES = 1 << 16
DRIPS_PER_SECOND = 20
UPSTREAM_SECONDS = 60.0

Kind = Literal["status", "reset", "cut", "corrupt", "delay", "drip"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the answers of at least ``least_bytes`` whose request has ``where``: "GET /path", then the
    range that is asked for, or the operation of a call of AWS.

    ``status`` answers for the server; ``reset`` and ``cut`` end the connection when the share ``after`` of the body is
    sent, with and without warning (``reset`` after 0: before any answer); ``corrupt`` flips the bits of one byte there;
    ``delay`` waits before the answer; ``drip`` sends the body slowly. ``spared`` answers go through before, and no more
    than ``times`` are hit.
    """

    kind: Kind
    where: str = ""
    least_bytes: int = 0
    spared: int = 0
    times: int | None = None
    after: float = 0.5
    status: int = 503
    seconds: float = 0.0
    bytes_per_second: int = 0


class FaultyProxy(ThreadingHTTPServer):
    """Between its own address and ``upstream`` (``host:port``); the first of its faults that fits hits."""

    daemon_threads = True

    def __init__(self, upstream: str, network: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.network = upstream, network
        self.faults: tuple[Fault, ...] = ()
        self.hits: list[tuple[Fault, str]] = []
        self._met: dict[Fault, int] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server_port}"

    def set(self, *faults: Fault) -> None:
        """From now on these go wrong, and nothing has been hit yet."""
        with self._lock:
            self.faults, self.hits, self._met = faults, [], {}

    def fault_of(self, request: str, length: int) -> Fault | None:
        """What is to go wrong with a request's answer, which has so many bytes."""
        with self._lock:
            for fault in self.faults:
                if length < fault.least_bytes or not re.search(fault.where, request):
                    continue
                met = self._met[fault] = self._met.get(fault, 0) + 1
                if met > fault.spared and (fault.times is None or met <= fault.spared + fault.times):
                    self.hits.append((fault, request))
                    return fault
        return None

    def handle_error(self, request: object, client_address: object) -> None:
        """A side that hangs up is part of the game; anything else is printed."""
        if not isinstance(sys.exception(), (ConnectionError, http.client.HTTPException)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def faulty_proxy(
    upstream: str, network: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[FaultyProxy]:
    """A proxy for as long as the block lasts; ``network`` is entered wherever a socket is made."""
    with network():
        proxy = FaultyProxy(upstream, network)
    with answering(proxy):
        yield proxy


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.upstream, timeout=UPSTREAM_SECONDS)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        more = self.headers.get("Range") or self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        with self._asked(body) as answer:
            length = 0 if self.command == "HEAD" else int(answer.headers.get("Content-Length", 0))
            fault = self.server.fault_of(f"{self.command} {self.path} {more}".rstrip(), length)
            if fault is not None and fault.kind == "reset" and fault.after == 0:
                self._reset()
                return
            if fault is not None and fault.kind == "delay":
                time.sleep(fault.seconds)
            if fault is not None and fault.kind == "status":
                self._refuse(fault.status)
                return
            self._pass_on(answer, length, fault)

    do_HEAD = do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Tests are not told."""

    def _asked(self, body: bytes) -> http.client.HTTPResponse:
        """The answer of the server, of which only the head is read yet."""
        with self.server.network():
            if self._upstream.sock is None:
                self._upstream.connect()
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            self._upstream.putheader(name, value)
        self._upstream.endheaders(body or None)
        return self._upstream.getresponse()

    def _refuse(self, status: int) -> None:
        said = b'{"errors":[{"code":"UNAVAILABLE","message":"a fault of the test"}]}'
        self._head(status, [("Content-Length", str(len(said)))])
        self.wfile.write(b"" if self.command == "HEAD" else said)
        self._upstream.close()

    def _pass_on(self, answer: http.client.HTTPResponse, length: int, fault: Fault | None) -> None:
        headers = [(name, value) for name, value in answer.headers.items() if name != "Transfer-Encoding"]
        if "Content-Length" not in answer.headers and self.command != "HEAD":  # it came in chunks
            whole = answer.read()
            self._head(answer.status, [*headers, ("Content-Length", str(len(whole)))])
            self.wfile.write(whole)
            return
        self._head(answer.status, headers)
        if self.command != "HEAD":
            self._send(answer, length, fault)

    def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _send(self, answer: http.client.HTTPResponse, length: int, fault: Fault | None) -> None:
        """The body, up to where the fault hits it."""
        hit = length if fault is None else min(int(length * fault.after), max(length - 1, 0))
        if fault is not None and fault.kind == "drip":
            self._drip(answer, fault.bytes_per_second)
            return
        self._copy(answer, hit)
        match fault.kind if fault is not None else None:
            case "reset":
                self._reset()
            case "cut":
                self.close_connection = True
                self._upstream.close()
            case "corrupt":
                self.wfile.write(bytes(byte ^ 0xFF for byte in answer.read(1)))
                self._copy(answer, length - hit - 1)
            case _:
                self._copy(answer, length - hit)

    def _copy(self, answer: http.client.HTTPResponse, count: int) -> None:
        while count > 0 and (piece := answer.read(min(count, PIECE_BYTES))):
            self.wfile.write(piece)
            count -= len(piece)

    def _drip(self, answer: http.client.HTTPResponse, bytes_per_second: int) -> None:
        while piece := answer.read(max(bytes_per_second // DRIPS_PER_SECOND, 1)):
            self.wfile.write(piece)
            time.sleep(1 / DRIPS_PER_SECOND)

    def _reset(self) -> None:
        """Linger 0: the socket is closed with a reset, not with an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self._upstream.close()
