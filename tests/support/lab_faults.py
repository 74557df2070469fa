"""The faulty proxy in the lab: between the registry and the hosts, within the edge's own network."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, Round, RoundStatus, round_status
from infra.lab.edge import PROXY_API, UPSTREAM, Edge
from tests.support.faulty_proxy import Fault, FaultyProxy, faulty_proxy

SECONDS = 10.0
LAYER_BYTES = 1 << 20
"""Answers of at least so many are of layers, or of spans of layers."""
HITS = {
    "503": Fault("status", least_bytes=LAYER_BYTES),
    "reset": Fault("reset", least_bytes=LAYER_BYTES),
    "reset before": Fault("reset", least_bytes=LAYER_BYTES, after=0),
    "cut": Fault("cut", least_bytes=LAYER_BYTES),
    "corrupt": Fault("corrupt", least_bytes=LAYER_BYTES),
    "corrupt span": Fault("corrupt", " bytes=", least_bytes=1000),
    "corrupt manifest": Fault("corrupt", "GET .*/manifests/", least_bytes=100),
    "corrupt whole": Fault("corrupt", "GET .*/blobs/\\S+$", least_bytes=LAYER_BYTES),
    "corrupt early": Fault("corrupt", "GET .*/blobs/", least_bytes=10_000),
    "late": Fault("delay", least_bytes=LAYER_BYTES, seconds=2.6),
    "slow drip": Fault("drip", least_bytes=LAYER_BYTES, bytes_per_second=200_000),
}
"""What may hit every answer with a layer or a span, or one (`times`); ``early`` also zTOCs, ``span`` spans alone,
``whole`` layers that are fetched whole."""


@dataclass(frozen=True)
class Met:
    """What became of a round: its status, its first task's outcome and reason, and how often the fault struck."""

    status: RoundStatus
    outcome: Outcome
    reason: str
    hits: int


@contextmanager
def behind_a_faulty_proxy(edge: Edge) -> Iterator[FaultyProxy]:
    """Everything that the edge's hosts ask of their registry goes through the proxy, as long as the block lasts."""
    with faulty_proxy(UPSTREAM, edge.sandbox.network) as proxy:
        _lead_to(edge, proxy.address)
        try:
            yield proxy
        finally:
            _lead_to(edge, UPSTREAM)


def edge_of(lab: LabExecutor) -> Edge:
    """The edge of a lab that is open."""
    if lab._cluster is None:
        raise ValueError("the lab is not open")
    return lab._cluster.edge


def met(lab: LabExecutor, proxy: FaultyProxy, round_: Round, *faults: Fault) -> Met:
    """Run a round whose answers meet these faults."""
    proxy.set(*faults)
    try:
        tasks = lab.run_round(round_, lambda _said: None).tasks
    finally:
        hits = len(proxy.hits)
        proxy.set()
    return Met(round_status(tasks, round_.task_count), tasks[0].outcome, tasks[0].reason or "", hits)


def _lead_to(edge: Edge, upstream: str) -> None:
    """Tell the edge's toxiproxy, which adds the profile's delay, what is behind it."""
    told = json.dumps({"upstream": upstream, "enabled": True}).encode()
    request = urllib.request.Request(f"http://{PROXY_API}/proxies/registry", told, method="POST")
    with edge.sandbox.network(), urllib.request.urlopen(request, timeout=SECONDS):
        pass
