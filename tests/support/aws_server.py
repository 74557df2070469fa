"""The HTTP side of AWS on loopback, for real boto3: scripted answers first, then those of a simulated ECS.

Speaks AWS's JSON protocol (the header X-Amz-Target names the operation) and is the load balancer too. A scripted
answer may be a document, an error, a status, or a connection that breaks off.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.outputs import ROUTE_HEADER
from tests.support.background import answering
from tests.support.scripted import ScriptedEcs


@dataclass(frozen=True)
class Reply:
    """A scripted answer; ``date`` goes into the header Date."""

    status: int = 200
    body: bytes = b"{}"
    date: datetime | None = None


class Reset:
    """The connection is reset instead of an answer."""


def refusal(code: str, message: str = "", *, status: int = 400, date: datetime | None = None) -> Reply:
    """An error as AWS answers it."""
    return Reply(status, json.dumps({"__type": code, "message": message}).encode(), date)


def document(date: datetime | None = None, **values: Any) -> Reply:
    """A good answer."""
    return Reply(body=json.dumps(values).encode(), date=date)


class AwsServer(ThreadingHTTPServer):
    """Scripted answers by operation (``GET`` for the load balancer), taken in turn; ``requests`` are what came in."""

    def __init__(self, ecs: ScriptedEcs | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ecs = ecs
        self.lock = threading.Lock()
        self.script: dict[str, deque[Reply | Reset]] = defaultdict(deque)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the game; anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(ecs: ScriptedEcs | None = None) -> Iterator[AwsServer]:
    """A server for as long as the test lasts."""
    with answering(AwsServer(ecs)) as server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: AwsServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Head and body are two writes: the second would wait 40 ms for the acknowledgement of the first."""

    def do_POST(self) -> None:
        arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self._reply(operation, arguments)

    def do_GET(self) -> None:
        self._reply("GET", {"path": self.path, "header": self.headers.get(ROUTE_HEADER)})

    def _reply(self, operation: str, arguments: dict[str, Any]) -> None:
        with self.server.lock:
            self.server.requests.append((operation, arguments))
            scripted = self.server.script[operation]
            reply = scripted.popleft() if scripted else self._from_ecs(operation, arguments)
        if isinstance(reply, Reset):
            # Linger 0: the socket is closed with a reset, not with an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self._date = reply.date
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self._date, usegmt=True) if self._date else super().date_time_string(timestamp)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are not told."""

    def _from_ecs(self, operation: str, arguments: dict[str, Any]) -> Reply:
        ecs = self.server.ecs
        if ecs is None:
            return refusal("InternalFailure", f"nothing is scripted for {operation}", status=500)
        if operation == "GET":
            answer = ecs.get(f"{self.server.url}{arguments['path']}", arguments["header"])
            return Reply(answer.status or 502, answer.body)
        values = _OPERATIONS[operation](ecs, arguments)
        return Reply(body=json.dumps(values, default=datetime.timestamp).encode(), date=ecs.date())


def _list_tasks(ecs: ScriptedEcs, asked: dict[str, Any]) -> dict[str, Any]:
    page = ecs.list_tasks(asked["cluster"], asked["serviceName"], asked["desiredStatus"], asked.get("nextToken"))
    return {"taskArns": [item["taskArn"] for item in page.items], "nextToken": page.token}


def _describe_tasks(ecs: ScriptedEcs, asked: dict[str, Any]) -> dict[str, Any]:
    described = ecs.describe_tasks(asked["cluster"], asked["tasks"])
    return {"tasks": described.tasks, "failures": described.failures}


def _filter_log_events(ecs: ScriptedEcs, asked: dict[str, Any]) -> dict[str, Any]:
    prefix, pattern = asked["logStreamNamePrefix"], asked["filterPattern"]
    page = ecs.filter_log_events(asked["logGroupName"], prefix, pattern, asked["startTime"], asked.get("nextToken"))
    return {"events": page.items, "nextToken": page.token}


def _none(_done: None) -> dict[str, Any]:
    return {}


_OPERATIONS = {
    "UpdateService": lambda ecs, asked: {
        "service": ecs.update_service(asked["cluster"], asked["service"], asked["desiredCount"])
    },
    "DescribeServices": lambda ecs, asked: {"services": ecs.describe_services(asked["cluster"], asked["services"])},
    "DescribeClusters": lambda ecs, asked: {"clusters": ecs.describe_clusters(asked["clusters"]), "failures": []},
    "TagResource": lambda ecs, asked: _none(
        ecs.tag_resource(asked["resourceArn"], {tag["key"]: tag["value"] for tag in asked["tags"]})
    ),
    "UntagResource": lambda ecs, asked: _none(ecs.untag_resource(asked["resourceArn"], asked["tagKeys"])),
    "ListTasks": _list_tasks,
    "DescribeTasks": _describe_tasks,
    "FilterLogEvents": _filter_log_events,
}
