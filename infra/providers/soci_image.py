"""One form of an image as a Pulumi resource; the work is in `infra.oci.forms` and `infra.oci.pushed`.

A change is made in place: first the new form is made, then the parts of the old one that the new one does not use are
deleted. So two versions that share a digest cannot delete each other. Only another repository is another resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider
from pulumi.dynamic import UpdateResult as Updated
from pulumi.runtime import rpc

from infra.forms import FormSpec
from infra.oci import forms, pushed
from infra.oci.entry import entered
from infra.oci.forms import FormRequest, FormResult
from infra.oci.pushed import Pushed
from infra.oci.regctl import Access
from infra.oci.source import MANY_LAYERS
from infra.providers import limit, reach
from kit import full_disk
from kit.errors import CommandTimeout

IMPLEMENTATION = 2
"""Counts up when forms made by older code must be made anew: Pulumi does not see changes of the code."""

MAKE_SECONDS = 3600.0
"""Enough for tens of gigabytes on a slow disk. A tool that hangs is killed then, and its last lines are shown."""

LAYER_SECONDS = 0.8

REQUEST = ("source", "repository", "form", "span_bytes", "min_layer_bytes", "platform", "attached")
INPUTS = (*REQUEST, "plain_http", "auth_file", "ecr_region", "storage_id", "implementation")
OUTPUTS = ("image", "image_digest", "index_digest", "layer_bytes", "manifests", "treatment")
_SIZES = ("span_bytes", "min_layer_bytes", "implementation")
_ONLY_HOW = {"plain_http", "auth_file"}
"""How the registry is reached: a change of these alone changes no image."""


@dataclass(frozen=True)
class SociImageArgs:
    """What `SociImage` is made of; see `FormRequest`.

    ``source`` is ``host:port/repository@sha256:…``. ``auth_file`` is the path of a Docker ``config.json``: the
    path is kept in the state, its content nowhere. With ``ecr_region`` the registry is ECR: every operation fetches a
    token of its own, and the host says whether it is plain HTTP. ``storage_id`` is the identity of the registry's
    storage: with another one the images are gone, and are made again.
    """

    source: pulumi.Input[str]
    repository: pulumi.Input[str]
    form: pulumi.Input[str]
    span_bytes: pulumi.Input[int] = 4 << 20
    min_layer_bytes: pulumi.Input[int] = 10 << 20
    platform: pulumi.Input[str] = "linux/amd64"
    plain_http: pulumi.Input[bool] = False
    auth_file: pulumi.Input[str] | None = None
    ecr_region: pulumi.Input[str] | None = None
    storage_id: pulumi.Input[str] | None = None
    attached: pulumi.Input[str] | None = None


class SociImageProvider(ResourceProvider):
    """Makes, finds, changes and removes one form of an image; keeps nothing in itself."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Name every impossible value. A value that is not known yet is checked once it is."""
        inputs = {key: _plain(key, value) for key, value in news.items()}
        known = {key: value for key, value in inputs.items() if key in REQUEST and value not in (None, rpc.UNKNOWN)}
        failures = [CheckFailure(field, complaint) for field, complaint in forms.problems(known)]
        return CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Only inputs count; another repository is another resource, all else is changed in place."""
        changed = _changed(_olds, _news)
        moved = "repository" in changed
        return DiffResult(changes=bool(changed), replaces=["repository"] if moved else [], delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the form and push it; its id is its repository."""
        return CreateResult(id_=props["repository"], outs=_outputs(props, _make(props)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Gone as soon as a part of it is."""

        def is_there() -> bool:
            with _access(props) as access:
                return pushed.present(_pushed(props), access)

        return reach.read(id_, props, is_there)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> Updated:
        """Make the new form, then delete the parts of the old one that it does not share."""
        if _changed(_olds, _news) <= _ONLY_HOW:
            return Updated(outs={**_inputs(_news), **{key: _olds[key] for key in OUTPUTS}})
        made = _make(_news)
        with _access(_news) as access:
            pushed.remove(_pushed(_olds), access, keep=made.pushed)
        return Updated(outs=_outputs(_news, made))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete what was pushed."""

        def remove() -> None:
            with _access(_props) as access:
                pushed.remove(_pushed(_props), access)

        reach.delete(_id, remove)


class SociImage(Resource, module="sociometer", name="SociImage"):
    """A source image in one form, pushed by digest.

    ``treatment`` has the fields of the stack outputs' `TreatmentOutput`.
    """

    image: pulumi.Output[str]
    image_digest: pulumi.Output[str]
    index_digest: pulumi.Output[str | None]
    layer_bytes: pulumi.Output[int]
    treatment: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: SociImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**vars(args), "implementation": IMPLEMENTATION, **dict.fromkeys(OUTPUTS)}
        super().__init__(SociImageProvider(), name, props, opts)


def _make(props: dict[str, Any]) -> FormResult:
    values = {key: _plain(key, props[key]) for key in REQUEST if props.get(key) is not None}
    with full_disk.reserve(), _access(props) as access:
        request = FormRequest(**values, access=access, tagged=props.get("ecr_region") is not None)
        seconds = limit.seconds_left(MAKE_SECONDS)
        if not seconds:
            name = f"{request.source.partition('@')[0]} as {request.form}"
            raise CommandTimeout(f"{name}: the time for making forms was over before it was begun.")
        made = forms.make(request, timeout_seconds=seconds)
    for note in filter(None, (many_layers(made), compressed_anew(made))):
        reach.tell(note)
    return made


def many_layers(made: FormResult) -> str | None:
    """What to know of a form with very many lazy layers, which makes it slower than the plain image; None for others.

    Measured in the lab's smallest profile, with 127 layers of 2 kB: 103 and 148 s of pulling, 143 of them in the
    snapshotter's own preparing of one layer after another; the plain image took 2 and 6 s. It keeps 30 layers that it
    has resolved and not mounted yet (`resolve_result_entry`): of more, each mount resolves all anew.
    """
    count = len(made.ztocs)
    if count < MANY_LAYERS:
        return None
    return (
        f"{made.image.partition('@')[0]}: {count} layers are loaded lazily. The soci-snapshotter prepares one after "
        f"another, about {LAYER_SECONDS:g} s each with a quarter of a vCPU: {count * LAYER_SECONDS:.0f} s for this "
        "image. A larger minLayerSize, or fewer layers, makes it start sooner."
    )


def compressed_anew(made: FormResult) -> str | None:
    """That an index is of other layers than the image's own; None where it is not, or where the form says so itself."""
    form = FormSpec.parse(made.form)
    if not made.recompressed or not form.lazy or form.compression is not None:
        return None
    return (
        f"{made.image.partition('@')[0]}: the image's zstd layers were compressed anew as gzip, because SOCI cannot "
        f"index zstd: {made.layer_bytes} bytes became {made.delivered_bytes}. plain has them as they are."
    )


def _outputs(props: dict[str, Any], made: FormResult) -> dict[str, Any]:
    treatment = made.treatment()
    return {
        **_inputs(props),
        **{key: treatment[key] for key in ("image", "image_digest", "index_digest")},
        "layer_bytes": made.layer_bytes,
        "manifests": list(made.manifests),
        "treatment": treatment,
    }


def _inputs(props: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain(key, props.get(key)) for key in INPUTS}


def _pushed(props: dict[str, Any]) -> Pushed:
    return Pushed(props["image"], props.get("index_digest"), tuple(props["manifests"]))


@contextmanager
def _access(props: dict[str, Any]) -> Iterator[Access]:
    if (region := props.get("ecr_region")) is not None:
        with entered(props["repository"].partition("/")[0], region) as access:
            yield access
        return
    reach.demand_its_registry(props["repository"].partition("/")[0], props)
    auth_file = props.get("auth_file")
    yield Access(bool(props["plain_http"]), Path(auth_file) if auth_file else None)


def _changed(olds: dict[str, Any], news: dict[str, Any]) -> set[str]:
    return {key for key in INPUTS if _plain(key, olds.get(key)) != _plain(key, news.get(key))}


def _plain(key: str, value: Any) -> Any:
    """Pulumi hands whole numbers over as floats, and what a preview cannot know yet as an object or a marker."""
    if rpc.contains_unknowns(value):
        return rpc.UNKNOWN
    return int(value) if key in _SIZES and isinstance(value, float) and value.is_integer() else value
