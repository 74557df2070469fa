"""Pulumi's provider protocol over a table of `Resource` types and functions."""

# ruff: noqa: N802 - the protocol names its methods

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer
from pulumi.runtime.rpc import UNKNOWN

from tests.standin.resource import Resource
from tests.standin.values import Properties, changed, is_known, plain, struct

Function = Callable[[Properties], Properties]
Table = tuple[Mapping[str, Resource], Mapping[str, Function]]


class Unsupported(Exception):
    """The program uses something that the stand-in does not know."""


class NameTooLong(Exception):
    """A name of the engine's making does not fit; said in the words of pulumi-terraform-bridge."""


def _explained(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
    """Whatever goes wrong is told to the engine: a refusal in its own words, anything else with where it happened."""

    @wraps(method)
    def wrapped(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request)
        except (Unsupported, NameTooLong) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary to another process
            context.abort(grpc.StatusCode.UNKNOWN, f"{error}\n{traceback.format_exc()}")

    return wrapped


class Provider(ResourceProviderServicer):
    """One package's stand-in; ``connect`` gives its types and functions once its configuration is known."""

    def __init__(self, version: str, connect: Callable[[Properties], Table]) -> None:
        self._version, self._connect = version, connect
        self._resources: Mapping[str, Resource] = {}
        self._functions: Mapping[str, Function] = {}

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "the engine does without")

    @_explained
    def GetPluginInfo(self, request: Any) -> Any:
        return plugin.PluginInfo(version=self._version)

    @_explained
    def CheckConfig(self, request: Any) -> Any:
        return proto.CheckResponse(inputs=request.news)

    @_explained
    def DiffConfig(self, request: Any) -> Any:
        return proto.DiffResponse(changes=_changes(plain(request.old_inputs) != plain(request.news)))

    @_explained
    def Configure(self, request: Any) -> Any:
        self._resources, self._functions = self._connect(plain(request.args))
        return proto.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    @_explained
    def Invoke(self, request: Any) -> Any:
        function = self._functions.get(request.tok)
        if function is None:
            raise Unsupported(f"The stand-in does not know the function {request.tok}.")
        return proto.InvokeResponse(**{"return": struct(function(plain(request.args)))})

    @_explained
    def Check(self, request: Any) -> Any:
        resource, inputs, olds = self._resource(request.urn), plain(request.news), plain(request.olds)
        if unknown := sorted(inputs.keys() - resource.inputs - {"region"}):
            raise Unsupported(f"The stand-in for {_type(request.urn)} does not know {', '.join(unknown)}.")
        named = _named(resource, inputs, olds, request)
        return proto.CheckResponse(inputs=struct(resource.check(named, olds)))

    @_explained
    def Diff(self, request: Any) -> Any:
        resource, old, new = self._resource(request.urn), plain(request.old_inputs), plain(request.news)
        diffs = sorted(changed(resource.compared(old), resource.compared(new)))
        replaces = [key for key in diffs if key in resource.replaces]
        return proto.DiffResponse(
            changes=_changes(bool(diffs)),
            diffs=diffs,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and (resource.delete_before_replace or _keeps_its_name(resource, new)),
        )

    @_explained
    def Create(self, request: Any) -> Any:
        resource, inputs = self._resource(request.urn), plain(request.properties)
        if request.preview:
            return proto.CreateResponse(properties=struct(_expected(resource, inputs)))
        if not is_known(inputs):
            raise Unsupported(f"{request.urn} is to be made from values that are not known: {inputs}")
        identity, outputs = resource.create(inputs)
        return proto.CreateResponse(id=identity, properties=struct(_live(resource, identity, _shown(inputs) | outputs)))

    @_explained
    def Read(self, request: Any) -> Any:
        resource, state, inputs = self._resource(request.urn), plain(request.properties), plain(request.inputs)
        live = resource.read(request.id, state)
        if live is None:
            return proto.ReadResponse()
        now = {key: live.get(key, value) for key, value in inputs.items()}
        return proto.ReadResponse(id=request.id, properties=struct(state | live), inputs=struct(now))

    @_explained
    def Update(self, request: Any) -> Any:
        resource, new = self._resource(request.urn), plain(request.news)
        if request.preview:
            unknown = dict.fromkeys(resource.changing, UNKNOWN)
            return proto.UpdateResponse(properties=struct(plain(request.olds) | _shown(new) | unknown))
        outputs = resource.update(request.id, plain(request.old_inputs), new)
        return proto.UpdateResponse(properties=struct(_live(resource, request.id, _shown(new) | outputs)))

    @_explained
    def Delete(self, request: Any) -> Any:
        self._resource(request.urn).delete(request.id, plain(request.properties))
        return Empty()

    @_explained
    def Cancel(self, request: Any) -> Any:
        return Empty()

    def _resource(self, urn: str) -> Resource:
        resource = self._resources.get(_type(urn))
        if resource is None:
            raise Unsupported(f"The stand-in does not know the resource type {_type(urn)}.")
        return resource


def _type(urn: str) -> str:
    """The type of a resource, out of ``urn:pulumi:stack::project::parent$type::name``."""
    return urn.split("::")[2].rpartition("$")[2]


def _changes(there_are: bool) -> Any:
    return proto.DiffResponse.DIFF_SOME if there_are else proto.DiffResponse.DIFF_NONE


def _named(resource: Resource, inputs: Properties, olds: Properties, request: Any) -> Properties:
    """With a name of the engine's making, as pulumi-aws makes it: the logical name and seven random digits.

    One that is too long is refused and never cut (pulumi-terraform-bridge, ``AutoName``; pulumi, ``NewUniqueName``).
    """
    key = resource.name_property
    if key is None or inputs.get(key):
        return inputs
    if olds.get(key):
        return inputs | {key: olds[key], "__defaults": [key]}
    digits = hashlib.sha256(request.randomSeed).hexdigest()[:7]
    name = f"{request.urn.rpartition('::')[2]}-"
    if len(name) + len(digits) > resource.name_limit:
        raise NameTooLong(
            f"name '{name}' plus {len(digits)} random chars is longer than maximum length {resource.name_limit}"
        )
    return inputs | {key: f"{name}{digits}", "__defaults": [key]}


def _keeps_its_name(resource: Resource, new: Properties) -> bool:
    """A name that the program gave cannot be had twice: the old one has to go first."""
    return resource.name_property is not None and "__defaults" not in new


def _expected(resource: Resource, inputs: Properties) -> Properties:
    return _shown(inputs) | dict.fromkeys(resource.computed - inputs.keys(), UNKNOWN)


def _live(resource: Resource, identity: str, known: Properties) -> Properties:
    live = resource.read(identity, known)
    if live is None:
        raise RuntimeError(f"{identity} is not there although it was made")
    return known | live


def _shown(inputs: Properties) -> Properties:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}
