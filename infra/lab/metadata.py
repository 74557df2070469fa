"""The task metadata endpoint, version 4, for the lab's tasks: it answers like ECS, with what the lab really sees.

Fields as in the ECS developer guide, "Task metadata endpoint version 4" (Fargate examples); what the lab does not
have (log driver, subnet, capacity provider) is left out.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.lab.edge import METADATA_ADDRESS
from infra.lab.sandbox import Sandbox

PORT = 80
CONTAINER_NAME = "app"
END_SECONDS = 10.0


@dataclass(frozen=True)
class Identity:
    """What identifies a task: nothing here changes while it lives."""

    task_arn: str
    container_id: str
    image: str
    image_digest: str
    vcpu: float
    memory_bytes: int
    address: str

    @property
    def uri(self) -> str:
        """Value of ECS_CONTAINER_METADATA_URI_V4 in the container."""
        return f"http://{METADATA_ADDRESS}/v4/{self.container_id}"


def container_document(identity: Identity, snapshotter: str | None) -> dict[str, Any]:
    """What `${ECS_CONTAINER_METADATA_URI_V4}` answers."""
    return {
        "DockerId": identity.container_id,
        "Name": CONTAINER_NAME,
        "DockerName": CONTAINER_NAME,
        "Image": identity.image,
        "ImageID": identity.image_digest,
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Type": "NORMAL",
        "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [identity.address]}],
        "Snapshotter": snapshotter,
    }


def task_document(identity: Identity, snapshotter: str | None, now: datetime) -> dict[str, Any]:
    """What `${ECS_CONTAINER_METADATA_URI_V4}/task` answers; the lab's clocks are one, so their error is 0 ms."""
    return {
        "Cluster": "sociometer-lab",
        "TaskARN": identity.task_arn,
        "Family": "sociometer",
        "Revision": "1",
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Limits": {"CPU": identity.vcpu, "Memory": identity.memory_bytes // 2**20},
        "LaunchType": "LAB",
        "ClockDrift": {
            "ClockErrorBound": 0.0,
            "ReferenceTimestamp": now.isoformat().replace("+00:00", "Z"),
            "ClockSynchronizationStatus": "SYNCHRONIZED",
        },
        "Containers": [container_document(identity, snapshotter)],
    }


class MetadataService:
    """Serves the metadata of every registered task, on the edge's network, until `close`.

    One address for all, as a link-local address is: a task asks with its own container id in the path.
    """

    def __init__(self, edge: Sandbox) -> None:
        self._tasks: dict[str, _Task] = {}
        self._server = ThreadingHTTPServer((METADATA_ADDRESS, PORT), _handler(self._tasks), bind_and_activate=False)
        with edge.network():
            self._server.socket.close()
            self._server.socket = socket.socket()
            self._server.server_bind()
            self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def register(self, identity: Identity, snapshotter: Callable[[], str | None]) -> None:
        """Answer for a task from now on; ``snapshotter`` is asked at every request."""
        self._tasks[identity.container_id] = _Task(identity, snapshotter)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(END_SECONDS)


@dataclass(frozen=True)
class _Task:
    identity: Identity
    snapshotter: Callable[[], str | None]

    def document(self, rest: str) -> dict[str, Any] | None:
        if rest == "":
            return container_document(self.identity, self.snapshotter())
        if rest == "task":
            return task_document(self.identity, self.snapshotter(), datetime.now(UTC))
        return None


def _handler(tasks: dict[str, _Task]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, version, container_id, rest = (*self.path.split("/", 3), "", "", "")[:4]
            task = tasks.get(container_id) if version == "v4" else None
            document = task.document(rest.rstrip("/")) if task else None
            body = json.dumps(document or {"error": f"no metadata at {self.path}"}).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: a task's requests are not worth a line."""

    return Handler
