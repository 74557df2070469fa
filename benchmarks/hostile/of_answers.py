"""Answers over the network, as bytes on a real socket: of tasks to the lab, of a Docker daemon; and their headers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.hostile.of_documents import ARN
from benchmarks.hostile.parser import Parser, text_of, texts
from experiments.executors.fargate import boto
from experiments.executors.fargate.reports import read
from infra.lab import probe
from infra.readiness import Ready
from kit.errors import LabError

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWERS = (
    f'{_HEAD}Content-Length: 13\r\n\r\n{{"task_arn":1}}',
    f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 Busy\r\n\r\n",
    "-ERR unknown command\r\n",
)
_WORDS = (
    "Content-Length: ", "-1", "99999999999999999999", "Transfer-Encoding: chunked\r\n", "\r\n", "\r\n\r\n", "HTTP/1.1 ",
    "200", "Location: ", "ffffffffffffffff", "Content-Encoding: gzip\r\n", ": ", "HTTP/9.9 200",
)  # fmt: skip


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("http-answer", "a task's port, asked by the lab", texts(ANSWERS, _WORDS), _answer)
    yield Parser("http-body", "a task's boot report, asked by the lab", texts(ANSWERS, _WORDS), _body)
    dates = ("Fri, 01 Jan 2027 00:00:00 GMT", "Fri, 1 Jan 27 00:00:00 +0100")
    yield Parser("http-date", "the date of AWS's answers", texts(dates, ("GMT", "+9999", ":", "Jan", ",", "-")), _date)


@contextmanager
def _answered(content: bytes) -> Iterator[socket.socket]:
    """A connection whose other side has sent this and no more."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        ours.settimeout(1.0)
        theirs.sendall(content[:100_000])
        theirs.shutdown(socket.SHUT_WR)
        yield ours


def _answer(content: bytes) -> None:
    with _answered(content) as ours:
        found = probe._ask(ours, "10.0.0.2:80", Ready("http", 80))
    if not found.ready:
        raise LabError(f"It {found.seen}.")
    assert b"200" in content


def _body(content: bytes) -> None:
    """Read as `probe.get` reads it, from a connection that is there already."""
    with _answered(content) as ours:
        found = probe.body_over(ours, "10.0.0.2", 80, "/boot.json", time.monotonic() + 1)
    if found is None:
        raise LabError("no body")
    assert len(found) <= probe.MOST_BODY_BYTES
    told = read(found, ARN)
    assert isinstance(told, str) or told.finished_ns


def _date(content: bytes) -> None:
    boto._date({"ResponseMetadata": {"HTTPHeaders": {"date": text_of(content)}}})
