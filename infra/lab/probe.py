"""Asks a task over the lab's network, from its edge, as a load balancer would: one question, one answer, in bounds.

Only the head of an HTTP answer is waited for. A body is read where it is wanted, and only so much of it.
"""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass

from infra.lab.sandbox import Sandbox
from infra.readiness import Ready

PROBE_SECONDS = 5.0
"""Time limit of one question; the next one asks again."""
MOST_BODY_BYTES = 1 << 20
"""Of a boot report."""


@dataclass(frozen=True)
class Answer:
    """Whether the task is ready, and what was seen, to be read after "port 8080"."""

    ready: bool
    seen: str


def look(edge: Sandbox, address: str, ready: Ready) -> Answer:
    """Ask a task's port once, as its readiness says."""
    with edge.network():
        try:
            with socket.create_connection((address, ready.port), timeout=PROBE_SECONDS) as connection:
                if ready.kind == "tcp":
                    return Answer(ready=True, seen="accepts connections")
                return _ask(connection, f"{address}:{ready.port}", ready)
        except OSError as error:
            return Answer(ready=False, seen=_refusal(error, f"{address}:{ready.port}"))


def get(edge: Sandbox, address: str, port: int, path: str) -> bytes | None:
    """The body of a 200 answer; None for any other answer, for none, and for one that is too long or too slow."""
    until = time.monotonic() + PROBE_SECONDS
    with edge.network():
        try:
            with socket.create_connection((address, port), timeout=PROBE_SECONDS) as opened:
                return body_over(opened, address, port, path, until)
        except OSError:
            return None


def body_over(opened: socket.socket, address: str, port: int, path: str, until: float) -> bytes | None:
    """The same over a connection that is open, until a moment of the monotonic clock."""
    connection = http.client.HTTPConnection(address, port, timeout=PROBE_SECONDS)
    connection.sock = opened
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return _body(answer, until) if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def reachable(host: Sandbox, address: str) -> bool:
    """Whether the host can open a connection to ``address`` (``host:port``) over its own network."""
    name, port = address.rsplit(":", 1)
    with host.network(), socket.socket() as probe:
        probe.settimeout(PROBE_SECONDS)
        return probe.connect_ex((name, int(port))) == 0


def _ask(connection: socket.socket, address: str, ready: Ready) -> Answer:
    """One GET on an open connection. Its answer ends with the head: the connection is closed with the body unread."""
    try:
        connection.sendall(f"GET {ready.path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection, method="GET")
        answer.begin()
    except TimeoutError:
        return Answer(ready=False, seen=f"accepts connections and did not answer within {PROBE_SECONDS:g} s")
    except (http.client.HTTPException, ConnectionError):
        # What closes a connection without a word, or speaks another protocol, is no HTTP server.
        return Answer(ready=ready.kind == "port", seen="accepts connections and does not speak HTTP")
    if answer.status == http.client.OK:
        return Answer(ready=True, seen="answered 200")
    location = answer.getheader("Location")
    to = f" to {location[:200]}" if location else ""
    return Answer(ready=False, seen=f"answered {answer.status}{to} at {ready.path}")


def _refusal(error: OSError, address: str) -> str:
    if isinstance(error, TimeoutError):
        return f"did not accept a connection within {PROBE_SECONDS:g} s at {address}"
    return f"{(error.strerror or str(error)).lower()} at {address}"


def _body(answer: http.client.HTTPResponse, until: float) -> bytes | None:
    """In pieces, so that neither an endless body nor a slow one is waited for."""
    pieces, size = [], 0
    while piece := answer.read1(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BODY_BYTES or time.monotonic() > until:
            return None
    return b"".join(pieces)
