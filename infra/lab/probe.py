"""Asks a task over HTTP from the edge of the lab's network, as a load balancer would."""

from __future__ import annotations

import http.client
import socket

from infra.lab.sandbox import Sandbox

PROBE_SECONDS = 2.0
"""Time limit of one question; the next one asks again."""


def get(edge: Sandbox, address: str, port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body, or None when nothing (or nothing that speaks HTTP) answers there yet."""
    with edge.network():
        connection = http.client.HTTPConnection(address, port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def reachable(host: Sandbox, address: str) -> bool:
    """Whether the host can open a connection to ``address`` (``host:port``) over its own network."""
    name, port = address.rsplit(":", 1)
    with host.network(), socket.socket() as probe:
        probe.settimeout(PROBE_SECONDS)
        return probe.connect_ex((name, int(port))) == 0
