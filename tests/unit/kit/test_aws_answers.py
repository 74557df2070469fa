"""An answer of AWS counts only if it came whole."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from kit.aws_answers import whole
from tests.support.background import speaking

JSON = "application/x-amz-json-1.1"
GOOD = b'{"taskArns": []}'


class Session:
    """Answers every request alike."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        raw: Any = SimpleNamespace(stream=lambda: iter([body]))
        self.answer = AWSResponse("https://aws", status, headers, raw)
        self.closed = False

    def send(self, _request: object) -> AWSResponse:
        return self.answer

    def close(self) -> None:
        self.closed = True


def asked(status: int, body: bytes, length: int | None, kind: str = JSON, *, streams: bool = False) -> bytes:
    headers = {"Content-Type": kind} | ({} if length is None else {"Content-Length": str(length)})
    session = Session(status, body, headers)
    client = whole(SimpleNamespace(_endpoint=SimpleNamespace(http_session=session)))
    checked = client._endpoint.http_session
    content: bytes = checked.send(SimpleNamespace(url="https://aws", stream_output=streams)).content
    checked.close()
    assert session.closed
    return content


@pytest.mark.parametrize(
    ("status", "body", "length", "kind"),
    [
        (200, GOOD, len(GOOD), JSON),
        (200, GOOD, None, JSON),
        (200, b"", 0, JSON),
        (200, b"<Vpcs/>", 7, "text/xml"),
        (503, b"<html>", 6, JSON),
    ],
    ids=["whole", "without a length", "empty", "XML", "a proxy's page"],
)
def test_a_whole_answer_is_taken_as_it_is(status: int, body: bytes, length: int | None, kind: str) -> None:
    assert asked(status, body, length, kind) == body


@pytest.mark.parametrize(
    ("status", "body", "length", "kind"),
    [
        (200, GOOD[:5], len(GOOD), JSON),
        (200, b"", len(GOOD), JSON),
        (200, b"<Vpc", 7, "text/xml"),
        (503, b"<ht", 6, JSON),
        (200, GOOD[:5], None, JSON),
        (200, b"\xff" + GOOD[1:], len(GOOD), JSON),
    ],
    ids=["cut", "without its body", "cut XML", "cut refusal", "cut without a length", "damaged"],
)
def test_an_answer_that_is_cut_or_damaged_is_a_lost_connection(
    status: int, body: bytes, length: int | None, kind: str
) -> None:
    with pytest.raises(ConnectionClosedError):
        asked(status, body, length, kind)


def test_an_answer_that_is_read_as_it_comes_is_not_waited_for() -> None:
    assert asked(200, GOOD[:5], len(GOOD), streams=True) == GOOD[:5]


DRIPPING = {
    "head": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 2000,
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("where", sorted(DRIPPING))
def test_an_answer_that_drips_is_given_up_and_asked_for_again(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Each piece comes in time, so that no limit of botocore's own is met."""
    monkeypatch.setattr("kit.aws_answers.ANSWER_SECONDS", 0.3)
    asked_for = []
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        asked_for.append(connection.recv(4096))
        with suppress(OSError):
            connection.sendall(DRIPPING[where][:40])
            for at in range(40, 2040):
                if over.wait(0.02):
                    return
                connection.sendall(DRIPPING[where][at : at + 1] or b"x")

    with speaking(drip) as port:
        config = Config(retries={"mode": "standard", "total_max_attempts": 2}, read_timeout=5)
        session = boto3.session.Session("key", "secret", region_name="eu-west-1")
        client = whole(session.client("sts", endpoint_url=f"http://127.0.0.1:{port}", config=config))
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            client.get_caller_identity()
        over.set()
    assert time.monotonic() - began < 10
    assert len(asked_for) == 2
