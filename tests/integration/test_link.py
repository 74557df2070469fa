"""A shaped link with real connections on it, in namespaces of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from infra.lab.edge import host_address
from infra.lab.link import shape_from_host, shape_towards_host
from infra.lab.sandbox import Sandbox

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

RATE = 2 * 10**8
EARLY = 4
HEAD_START_BYTES = 4 * 10**6
LATE_BYTES = 2 * 10**6
SENDER = "10.213.0.1"


@pytest.fixture
def ends() -> Iterator[tuple[Sandbox, Sandbox]]:
    """Two namespaces with a shaped link between them: the sender's and the host's."""
    sender, host = Sandbox.open(), Sandbox.open()
    try:
        words = [
            f"link add port type veth peer name eth0 netns {host.init_pid}",
            f"addr add {SENDER}/16 dev port",
            "link set port up",
        ]
        sender.batch("ip", *words)
        words = [f"addr add {host_address(0)}/16 dev eth0", "link set eth0 up"]
        host.batch("ip", *words)
        shape_towards_host(sender, "port", RATE)
        shape_from_host(host, "eth0", RATE)
        yield sender, host
    finally:
        sender.close()
        host.close()


class Flow:
    """A connection over which the sender sends until it is told to stop."""

    def __init__(self, sender: Sandbox, host: Sandbox) -> None:
        with sender.network():
            listener = socket.create_server((SENDER, 0))
        with host.network():
            self._reader = socket.create_connection(listener.getsockname()[:2], timeout=10)
        self._writer, _ = listener.accept()
        listener.close()
        self.received = 0
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        block = bytes(2**16)
        try:
            while True:
                self._writer.sendall(block)
        except OSError:
            return  # the end that `close` makes

    def _receive(self) -> None:
        try:
            while block := self._reader.recv(2**18):
                self.received += len(block)
        except OSError:
            return

    def close(self) -> None:
        for end in (self._writer, self._reader):
            end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._writer.close()
        self._reader.close()


def share_of_a_late_connection(ends: tuple[Sandbox, Sandbox]) -> float:
    """What a late connection gets ÷ what an early one gets meanwhile: bytes against bytes, no clock is asked."""
    ticking = threading.Event()
    early = [Flow(*ends) for _ in range(EARLY)]
    while min(flow.received for flow in early) < HEAD_START_BYTES:
        ticking.wait(0.001)
    before = [flow.received for flow in early]
    late = Flow(*ends)
    while late.received < LATE_BYTES:
        ticking.wait(0.001)
    since = sorted(flow.received - start for flow, start in zip(early, before, strict=True))
    for flow in [*early, late]:
        flow.close()
    return late.received / since[EARLY // 2]


def test_a_connection_that_comes_late_gets_its_share_at_once(ends: tuple[Sandbox, Sandbox]) -> None:
    """Behind one queue a late one always got a tenth of its share. A busy machine may starve a reader once."""
    assert max(share_of_a_late_connection(ends) for _ in range(3)) > 0.6
