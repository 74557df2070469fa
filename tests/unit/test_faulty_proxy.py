"""The tests' faulty proxy does the wrong that it is told to do, where it is told to, and no other."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.background import answering
from tests.support.faulty_proxy import Fault, FaultyProxy, faulty_proxy

BODY = bytes(range(256)) * 1000


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))) or BODY
        self.send_response(200)
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("X-Asked", f"{self.command} {self.path} {self.headers.get('Range', '')}")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else sent)

    do_HEAD = do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Tests are not told."""


class _Upstream(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """The proxy hangs up on it after a reset."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultyProxy]:
    server = _Upstream(("127.0.0.1", 0), _Server)
    with answering(server), faulty_proxy(f"127.0.0.1:{server.server_port}") as proxy:
        yield proxy


def asked(proxy: FaultyProxy, path: str = "/blob", method: str = "GET", body: bytes = b"") -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection(proxy.address, timeout=5)
    try:
        connection.request(method, path, body or None, {"Range": "bytes=0-1"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("X-Asked", "")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "sent", "came"), [("GET", b"", BODY), ("HEAD", b"", b""), ("POST", b"a question", b"a question")]
)
def test_what_no_fault_hits_goes_through_as_it_is(proxy: FaultyProxy, method: str, sent: bytes, came: bytes) -> None:
    proxy.set(Fault("status", "/another"))
    assert asked(proxy, "/blob?a=b", method, sent) == (200, came, f"{method} /blob?a=b bytes=0-1")
    assert proxy.hits == []


def test_a_fault_spares_the_first_hits_so_many_and_then_leaves_off(proxy: FaultyProxy) -> None:
    fault = Fault("status", "GET /blob", spared=1, times=2, status=502)
    proxy.set(fault)
    assert [asked(proxy)[0] for _ in range(4)] == [200, 502, 502, 200]
    assert proxy.hits == [(fault, "GET /blob bytes=0-1")] * 2


def test_a_reset_comes_before_the_answer_or_in_its_middle(proxy: FaultyProxy) -> None:
    proxy.set(Fault("reset", times=1, after=0), Fault("reset", times=1))
    with pytest.raises(ConnectionResetError):
        asked(proxy)
    connection = http.client.HTTPConnection(proxy.address, timeout=5)
    connection.request("GET", "/blob")
    with pytest.raises(ConnectionResetError):
        connection.getresponse().read()
    connection.close()


def test_a_cut_answer_ends_where_it_is_told_to_and_promised_more(proxy: FaultyProxy) -> None:
    proxy.set(Fault("cut", after=0.25))
    with pytest.raises(http.client.IncompleteRead) as cut:
        asked(proxy)
    assert cut.value.partial == BODY[: len(BODY) // 4]
    assert cut.value.expected == len(BODY) - len(BODY) // 4


def test_a_corrupt_answer_differs_in_one_byte(proxy: FaultyProxy) -> None:
    proxy.set(Fault("corrupt"))
    status, body, _ = asked(proxy)
    assert (status, len(body)) == (200, len(BODY))
    assert [at for at in range(len(BODY)) if body[at] != BODY[at]] == [len(BODY) // 2]


@pytest.mark.slow
def test_a_delayed_answer_is_late_and_a_dripping_one_slow(proxy: FaultyProxy) -> None:
    proxy.set(Fault("delay", times=1, seconds=0.2), Fault("drip", times=1, bytes_per_second=2 * len(BODY)))
    began = time.monotonic()
    assert asked(proxy)[1] == BODY
    delayed = time.monotonic() - began
    assert asked(proxy)[1] == BODY
    dripped = time.monotonic() - began - delayed
    assert delayed >= 0.2
    assert dripped >= 0.4
    assert len(proxy.hits) == 2
