"""A task's port, asked once: what is ready, what is not, and what was seen, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import nullcontext
from typing import Any

import pytest

from infra.lab import probe
from infra.readiness import Ready
from tests.support.background import Speaks, speaking


class Here:
    """An edge whose network is this process's own."""

    def network(self) -> Any:
        return nullcontext()


HERE: Any = Here()


def says(text: str) -> Speaks:
    def speak(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(text.encode())

    return speak


def endless(connection: socket.socket) -> None:
    connection.recv(4096)
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"more\n")
            time.sleep(0.05)
    except OSError:
        return


def closes(_connection: socket.socket) -> None:
    return


OK = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
LOGIN = "HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n"


@pytest.mark.parametrize(
    ("speaks", "kind", "ready", "seen"),
    [
        (says(OK), "http", True, "answered 200"),
        (endless, "http", True, "answered 200"),
        (says(LOGIN), "http", False, "answered 302 to /login at /"),
        (says("HTTP/1.1 401 Unauthorized\r\n\r\n"), "http", False, "answered 401 at /"),
        (says("HTTP/1.1 404 Not Found\r\n\r\n"), "port", False, "answered 404 at /"),
        (says("HTTP/1.1 503 Busy\r\n\r\n"), "port", False, "answered 503 at /"),
        (says("-ERR wrong\r\n"), "http", False, "accepts connections and does not speak HTTP"),
        (says("-ERR wrong\r\n"), "port", True, "accepts connections and does not speak HTTP"),
        (closes, "http", False, "accepts connections and does not speak HTTP"),
        (closes, "port", True, "accepts connections and does not speak HTTP"),
        (closes, "tcp", True, "accepts connections"),
    ],
)
def test_only_the_wanted_answer_is_ready_and_what_was_seen_is_told(
    speaks: Speaks, kind: Any, ready: bool, seen: str
) -> None:
    with speaking(speaks) as port:
        assert probe.look(HERE, "127.0.0.1", Ready(kind, port)) == probe.Answer(ready, seen)


@pytest.mark.parametrize("kind", ["http", "tcp", "port"])
def test_a_port_that_nobody_has_is_refused_by_name(kind: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = probe.look(HERE, "127.0.0.1", Ready(kind, port))
    assert answer == probe.Answer(ready=False, seen=f"connection refused at 127.0.0.1:{port}")


def test_silence_ends_at_its_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_SECONDS", 0.1)
    over = threading.Event()
    with speaking(lambda _connection: over.wait(10)) as port:
        try:
            answer = probe.look(HERE, "127.0.0.1", Ready("port", port))
        finally:
            over.set()
    assert answer == probe.Answer(ready=False, seen="accepts connections and did not answer within 0.1 s")


def test_a_boot_report_is_read_whole() -> None:
    with speaking(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as port:
        assert probe.get(HERE, "127.0.0.1", port, "/boot.json") == b"{}"


def test_a_body_without_end_is_no_boot_report_and_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_SECONDS", 0.2)
    with speaking(endless) as port:
        began = time.monotonic()
        assert probe.get(HERE, "127.0.0.1", port, "/boot.json") is None
        assert time.monotonic() - began < 5


def test_a_body_that_is_too_long_is_no_boot_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "MOST_BODY_BYTES", 100)
    with speaking(says("HTTP/1.1 200 OK\r\n\r\n" + "x" * 200)) as port:
        assert probe.get(HERE, "127.0.0.1", port, "/boot.json") is None
