"""The policy pack as the engine runs it: a process that prints its port and judges resources over gRPC."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

from infra.policy.rules import Resource
from tests.standin.values import struct
from tests.support.environments import POLICY_PACK, python_of

ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Analyzer:
    """A running pack."""

    stub: AnalyzerStub

    def information(self) -> Any:
        """What the pack says of itself."""
        return self.stub.GetAnalyzerInfo(Empty(), timeout=ANSWER_SECONDS)

    def configure(self, options: Mapping[str, Mapping[str, Any]]) -> None:
        """Set the options of the rules, as ``--policy-pack-config`` does."""
        configured = {name: proto.PolicyConfig(properties=struct(dict(values))) for name, values in options.items()}
        self.stub.Configure(proto.ConfigureAnalyzerRequest(policyConfig=configured), timeout=ANSWER_SECONDS)

    def analyze(self, resource: Resource) -> list[Any]:
        """What the pack has against a resource, as diagnostics."""
        tags = struct({"defaultTags": {"tags": dict(resource.default_tags)}})
        request = proto.AnalyzeRequest(
            type=resource.type,
            name=resource.name,
            urn=f"urn:pulumi:test::sociometer::{resource.type}::{resource.name}",
            properties=struct(dict(resource.properties)),
            provider=proto.AnalyzerProviderResource(type="pulumi:providers:aws", properties=tags, name="aws"),
        )
        return list(self.stub.Analyze(request, timeout=ANSWER_SECONDS).diagnostics)


@contextmanager
def analyzer() -> Iterator[Analyzer]:
    """Run the pack for as long as the block lasts."""
    words = ["setpriv", "--pdeathsig", "KILL", str(python_of(POLICY_PACK)), "-u", "__main__.py"]
    with subprocess.Popen(words, cwd=POLICY_PACK, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                yield Analyzer(AnalyzerStub(channel))
        finally:
            process.kill()
