"""Brings an image onto this machine, every layer lazy, so that all that a boot reads of it can be seen.

No stack and no upload: the files of a registry are links to what was fetched. A stack outlives the command, and its
forms leave small layers whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra import readiness
from infra.forms import Form, FormSpec
from infra.lab import storage
from infra.oci import blame, config, indexed, layout, names, soci
from infra.oci.config import ImageConfig
from infra.oci.local_image import FOR_SOCI, choice_of_compression, copies_needed
from infra.oci.manifest import Manifest, as_image, normalized, ztocs_and_layers
from infra.oci.recompress import recompressed
from infra.oci.regctl import Deadline
from infra.oci.soci import IndexOptions
from infra.oci.source import require_indexable
from infra.readiness import Ready
from infra.settings.model import Settings
from infra.settings.own import OwnImage
from infra.sources import own
from kit.errors import ImageError
from kit.values import Notify

MAKE_SECONDS = 1800.0
FORM: Form = "soci-v2"
REPOSITORY = "trace"


@dataclass(frozen=True)
class Fetched:
    """An image in the layout ``folder``, as it is but for OCI media types; its configuration, and when it is ready."""

    name: str
    folder: Path
    manifest: Manifest
    config: ImageConfig
    ready: Ready


@dataclass(frozen=True)
class Prepared:
    """An image that is started in the form with ``digest``, in `REPOSITORY` of a registry over the folder ``storage``.

    ``ztocs`` has the zTOC of each layer, lowest first, None where it has none.
    ``recompressed`` says that the form has gzip layers in place of others; their order is the same.
    """

    image: Fetched
    storage: Path
    digest: str
    ztocs: tuple[bytes | None, ...]
    recompressed: bool

    @property
    def lazy_layers(self) -> int:
        """How many layers have a zTOC."""
        return sum(ztoc is not None for ztoc in self.ztocs)


def fetch(name: str, settings: Settings, room: Path, notify: Notify) -> Fetched:
    """Bring in the image that the settings call ``name``. Raises `ImageError` when it cannot be had or started."""
    image = settings.images[name]
    found = own.resolve(names.parse(image.image), settings.platform)
    ready = _ready(name, image, found.config)
    notify(f"{name}: copy {image.image}")
    digest = own.fetch(found.name, found.digest, room / "pulled")
    manifest = normalized(as_image(layout.read(room / "pulled", digest), found.name))
    layout.link_layout(room / "source", manifest, room / "pulled")
    text = layout.blob_path(room / "source", manifest.config.digest).read_bytes()
    fetched = Fetched(name, room / "source", manifest, config.parse(text, found.name), ready)
    _check(fetched)
    return fetched


def index(image: Fetched, settings: Settings, room: Path, notify: Notify) -> Prepared:
    """Make the form to be started, into the files of a registry in ``room``. The sizes of spans and of the least layer
    are the settings' own. Raises `ImageError` for an image with nothing that could be loaded lazily."""
    options = IndexOptions(settings.span_size, settings.min_layer_size, settings.platform)
    deadline = Deadline(MAKE_SECONDS)
    choice = choice_of_compression(FormSpec.parse(FORM), image.manifest)
    notify(f"{image.name}: index")
    layout.reserve_copies(room, image.manifest, copies=copies_needed(FOR_SOCI if choice else None, indexed=True))
    folder, manifest = image.folder, image.manifest
    try:
        if choice:
            folder = room / "recompressed"
            manifest = recompressed(image.folder, folder, image.manifest, choice, deadline)
        require_indexable(manifest, options.min_layer_bytes)
        with blame.explained(manifest, options, deadline, lambda: folder):
            converted = indexed.convert(folder, room / "converted", options, deadline)
    except ImageError as error:
        raise ImageError(f"{image.name} as {FORM}: {error}") from error
    storage.fill(files_of(room), REPOSITORY, converted.documents, converted.folder)
    ztocs = {layer.digest: ztoc.digest for ztoc, layer in ztocs_and_layers(converted.index, converted.image)}
    return Prepared(
        image=image,
        storage=files_of(room),
        digest=converted.top.digest,
        ztocs=tuple(_blob(converted, ztocs.get(layer.digest)) for layer in converted.image.layers),
        recompressed=manifest.layers != image.manifest.layers,
    )


def files_of(room: Path) -> Path:
    """Where `index` puts the files of the registry."""
    return room / "registry"


def _blob(converted: soci.Converted, digest: str | None) -> bytes | None:
    return None if digest is None else layout.blob_path(converted.folder, digest).read_bytes()


def _ready(name: str, image: OwnImage, told: ImageConfig) -> Ready:
    """When it counts as ready; refuses, before any layer is moved, what cannot be started or watched."""
    if image.command is None and image.entry_point is None:
        own.require_command(image.image, told)
    return readiness.concrete(name, image.readiness, told)


def _check(image: Fetched) -> None:
    """Refuse what cannot be laid beside its layers."""
    if len(image.config.diff_ids) != len(image.manifest.layers):
        raise ImageError(
            f"The image {image.name} is corrupt: its configuration tells of {len(image.config.diff_ids)} layers, its "
            f"manifest of {len(image.manifest.layers)}."
        )
