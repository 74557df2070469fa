"""The whole Fargate stack run under Pulumi's mocks: every resource that it declares, as plain values.

The program is the real one, from settings to outputs; only the engine is replaced. A payload of a megabyte is made in
a cache of its own, because pulumi-docker's build context is part of the program.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pulumi
from pulumi.runtime import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks, test
from pulumi.runtime.proto import source_pb2

from infra.oci.config import ImageConfig
from infra.oci.names import ImageName
from infra.outputs import OUTPUT_NAME, StackOutputs
from infra.sources.own import ResolvedImage
from tests.support import network_that_is_there

ACCOUNT = "123456789012"
REGION = "eu-west-2"
STACK = "test"
PASSWORD = "not-a-real-token"  # noqa: S105 — what the mocks hand out, and no resource may show in the clear
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
SMALL = {"movieMegabytes": "1", "parquetTestMegabytes": "1", "parquetTrainMegabytes": "1"}
END_SECONDS = 10.0
BASE = {"target": "fargate", "loadbalancerAllowCidrs": "203.0.113.0/24", **SMALL}


@dataclass(frozen=True)
class MockedResource:
    """A resource as the program declared it. ``inputs`` have the provider's names (camelCase); ``parent`` and
    ``dependencies`` (explicit ones and those that inputs bring) are URNs; ``provider`` is ``urn::id`` or empty."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    parent: str
    dependencies: frozenset[str]
    provider: str
    ignore_changes: tuple[str, ...]
    deleted_with: str
    custom: bool


def resources(**settings: str) -> list[MockedResource]:
    """Every resource of the stack with these settings (camelCase keys, values as text) over `BASE`."""
    return run_stack(**settings)[0]


def run_stack(**settings: str) -> tuple[list[MockedResource], StackOutputs]:
    """The resources and the outputs of the whole stack."""
    from infra.program import deploy

    found: dict[str, Any] = {}

    def program() -> pulumi.Output[None]:
        deploy()
        exported: pulumi.Output[Any] = pulumi.runtime.get_root_resource().outputs[OUTPUT_NAME]
        return exported.apply(lambda value: found.update(value))

    with _own_cache(), _every_image_is_there():
        declared = run(program, {**BASE, **settings})
    return declared, StackOutputs.parse(found)


def run(program: Callable[[], Any], settings: Mapping[str, str]) -> list[MockedResource]:
    """Run a program (or a single component) under the mocks, with a configuration."""
    monitor = _Recorder(AwsMocks())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    set_all_config({f"sociometer:{key}": value for key, value in settings.items()})
    set_mocks(monitor.mocks, project="sociometer", stack=STACK, preview=False, monitor=monitor)
    try:
        with _nowhere():
            test(program)()
    finally:
        set_all_config({})
        asyncio.set_event_loop(None)
        _close(loop)
    return monitor.recorded


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End what a program that failed has left, in silence: asyncio would tell of it whenever garbage is collected, in
    the middle of any other test, and in that of an `ast.parse` Python 3.11 fails for it."""
    loop.set_exception_handler(lambda *_: None)
    if left := asyncio.all_tasks(loop):
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.wait(left, timeout=END_SECONDS))
    loop.close()


def of_type(declared: Sequence[MockedResource], type_: str) -> list[MockedResource]:
    """Those of one type, by the last part of its token: ``ecs/service:Service``."""
    return [resource for resource in declared if resource.type.endswith(type_)]


def only(declared: Sequence[MockedResource], type_: str, name: str | None = None) -> MockedResource:
    """The one of its type (and name)."""
    found = [each for each in of_type(declared, type_) if name in (None, each.name)]
    assert len(found) == 1, f"{type_} {name}: {[each.name for each in of_type(declared, type_)]}"
    return found[0]


class AwsMocks(Mocks):
    """What AWS would answer, as far as one resource needs it of another."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if args.token in _CALLS:
            return _CALLS[args.token], []
        return network_that_is_there.answer(args.token, args.args), []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        made = {**args.inputs}
        kind = args.typ.partition(":")[2]
        made.setdefault("name", args.name)
        made["arn"] = f"arn:aws:{kind.partition('/')[0]}:{REGION}:{ACCOUNT}:{kind.rpartition(':')[2]}/{made['name']}"
        made |= _OUTPUTS.get(args.typ, lambda _name, _inputs: {})(args.name, args.inputs)
        return (made["arn"] if args.typ == "aws:ecs/service:Service" else f"{args.name}-id"), made


class _Recorder(MockMonitor):
    """Keeps what a request says beyond its inputs."""

    def __init__(self, mocks: AwsMocks) -> None:
        super().__init__(mocks)
        self.recorded: list[MockedResource] = []

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the monitor's own name
        with _own_loop():
            return super().Invoke(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the monitor's own name
        with _own_loop():
            answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.recorded.append(_recorded(request, answer.urn))
        return answer


def _recorded(request: Any, urn: str) -> MockedResource:
    return MockedResource(
        type=request.type,
        name=request.name,
        urn=urn,
        inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
        parent=request.parent,
        dependencies=frozenset(request.dependencies),
        provider=request.provider or dict(request.providers).get("aws", ""),
        ignore_changes=tuple(request.ignoreChanges),
        deleted_with=request.deletedWith,
        custom=request.custom,
    )


def digest(text: str) -> str:
    """A digest that is the same for the same text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _form(name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """As the SOCI image's provider answers."""
    lazy = inputs.get("form") != "plain"
    image = f"{inputs['repository']}@{digest(name)}"
    index = digest(f"{name} index") if lazy else None
    treatment = {
        "form": inputs["form"],
        "image": image,
        "image_digest": digest(name),
        "index_digest": index,
        "pushed_bytes": 1000,
        "seconds": 1.0,
    }
    return {"image": image, "image_digest": digest(name), "index_digest": index, "layer_bytes": 10**6} | {
        "treatment": treatment
    }


def _dynamic(name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if "form" in inputs:
        return _form(name, inputs)
    if "recipe" in inputs:
        return {"image": f"{inputs['repository']}@{digest(name)}", "digest": digest(name), "layer_bytes": 10**6}
    return {"tag": f"{inputs['key'][:16]}-20260102-030405"}


def _pushed(name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"repoDigest": f"{inputs['imageName'].rpartition(':')[0]}@{digest(name)}"}


_CALLS: dict[str, dict[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/t"},
    "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": [f"{REGION}{letter}" for letter in "cab"]},
    "aws:ssm/getParameter:getParameter": {"value": "ami-0123456789abcdef0"},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {"userName": "AWS", "password": PASSWORD},
}
_OUTPUTS: dict[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    "aws:ecr/repository:Repository": lambda _name, inputs: {"repositoryUrl": f"{HOST}/{inputs['name']}"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda name, _inputs: {"prefixListId": f"pl-{name}"},
    "aws:lb/loadBalancer:LoadBalancer": lambda name, _inputs: {"dnsName": f"{name}.{REGION}.elb.amazonaws.com"},
    "docker:index/image:Image": _pushed,
    "pulumi-python:dynamic/sociometer:SociImage": _dynamic,
    "pulumi-python:dynamic/sociometer:SourceImage": _dynamic,
    "pulumi-python:dynamic/sociometer:FirstPush": _dynamic,
}


@contextmanager
def _own_loop() -> Iterator[None]:
    """The monitor makes an event loop in each thread that it runs in, and leaves it open."""
    if threading.current_thread() is threading.main_thread():
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@contextmanager
def _nowhere() -> Iterator[None]:
    """Spares the source line of every resource, which Pulumi looks for in the deep stack of a test."""
    with mock.patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace):
        yield


@contextmanager
def _every_image_is_there() -> Iterator[None]:
    """No registry is asked for the user's own images, and AWS for no secret: each image has a digest of its name."""
    with (
        mock.patch("infra.sources.own.resolve", _resolved),
        mock.patch("infra.fargate.lookups.require_secrets", lambda _arns, _region, _notify: None),
    ):
        yield


def _resolved(name: ImageName, _platform: str) -> ResolvedImage:
    config = {"config": {"ExposedPorts": {"8080/tcp": {}}, "Healthcheck": {"Test": ["CMD", "/check", "--now"]}}}
    return ResolvedImage(name, digest(str(name)), ImageConfig.model_validate(config))


@contextmanager
def _own_cache() -> Iterator[None]:
    before = os.environ.get("SOCIOMETER_CACHE")
    with tempfile.TemporaryDirectory(prefix="sociometer-cache-") as folder:
        os.environ["SOCIOMETER_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["SOCIOMETER_CACHE"]
            else:
                os.environ["SOCIOMETER_CACHE"] = before
