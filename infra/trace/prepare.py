"""Takes an image into a registry of its own, every layer lazy, so that all that a boot reads of it can be seen.

No stack: the registry is gone with the block. A stack outlives the command, and its forms leave small layers whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.forms import Form
from infra.lab import registry
from infra.oci.config import ImageConfig
from infra.oci.forms import FormRequest, FormResult, make
from infra.oci.manifest import Manifest
from infra.oci.regctl import Access, Deadline, Regctl
from infra.oci.source import resolve
from infra.settings.model import Settings
from infra.sources import images
from infra.sources.images import Destination
from kit.errors import ImageError
from kit.scratch import scratch
from kit.values import Notify

ACCESS = Access(plain_http=True)
MAKE_SECONDS = 1800.0
FORM: Form = "soci-v2"


@dataclass(frozen=True)
class Prepared:
    """An image in a registry whose files lie in ``storage``: its own manifest, and the form of it to be started.

    ``recompressed`` says that the form has gzip layers in place of others; their order is the same.
    """

    storage: Path
    registry: str
    manifest: Manifest
    config: ImageConfig
    form: FormResult
    layers: tuple[str, ...]
    recompressed: bool

    def ztocs(self) -> list[bytes | None]:
        """The zTOC of each layer, lowest first; None where it has none."""
        by_layer = {ztoc.layer_digest: ztoc.digest for ztoc in self.form.ztocs}
        return [registry.blob(self.storage, by_layer[it]) if it in by_layer else None for it in self.layers]


@contextmanager
def prepared(name: str, settings: Settings, notify: Notify) -> Iterator[Prepared]:
    """The image that the settings call ``name``, for as long as the block lasts. The sizes of spans and of the least
    layer are the settings' own.

    Raises `ImageError` when it cannot be had or started, or has nothing that could be loaded lazily.
    """
    recipe = images.recipe(name, settings, images.found(settings))
    with scratch("trace") as room, registry.temporary(room / "registry") as running:
        place = f"{running.address}/{images.PROJECT}/{name}"
        copied = images.make(recipe, Destination(f"{place}/source", ACCESS), notify)
        regctl = Regctl(ACCESS, Deadline(MAKE_SECONDS))
        source = resolve(regctl, copied.image, settings.platform)
        config = registry.image_config(running.storage, source.manifest.digest)
        _check(source.manifest, config, name)
        notify(f"{name}: index")
        sizes = (settings.span_size, settings.min_layer_size)
        request = FormRequest(copied.image, f"{place}/{FORM}", FORM, *sizes, settings.platform, ACCESS)
        form = make(request, timeout_seconds=MAKE_SECONDS)
        yield Prepared(
            storage=running.storage,
            registry=running.address,
            manifest=source.manifest,
            config=config,
            form=form,
            layers=tuple(it.digest for it in resolve(regctl, form.image, settings.platform).manifest.layers),
            recompressed=form.recompressed,
        )


def _check(manifest: Manifest, config: ImageConfig, name: str) -> None:
    """Refuse what cannot be laid beside its layers."""
    if len(config.diff_ids) != len(manifest.layers):
        raise ImageError(
            f"The image {name} is corrupt: its configuration tells of {len(config.diff_ids)} layers, its manifest of "
            f"{len(manifest.layers)}."
        )
