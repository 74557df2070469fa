"""`trace`: an image is prepared, booted once and looked at; the result is a `Trace`. Nothing stays on the machine."""

from __future__ import annotations

from collections.abc import Sequence

from infra.oci.manifest import Descriptor
from infra.oci.ztoc import read_entries, read_spans
from infra.settings.model import Settings
from infra.trace.assemble import assemble
from infra.trace.contents import LayerFiles
from infra.trace.model import Trace
from infra.trace.prepare import Prepared, prepared
from infra.trace.record import Wanted, booted, observe, ready_when
from infra.trace.seen import About, SeenLayer
from infra.trace.unite import unite
from kit.errors import TraceError
from kit.machine.doctor import require_lab
from kit.values import Notify


def trace(name: str, settings: Settings, wanted: Wanted, notify: Notify, former: Sequence[Trace] = ()) -> Trace:
    """Boot the image that the settings call ``name`` and record what it reads until it is ready; united with
    ``former`` traces of it.

    Raises `ImageError`, `SettingsError`, `MachineError`, `LabError` or `TraceError` in one line: no such image, nothing
    lazy, never ready, former traces of another image.
    """
    require_lab()
    with prepared(name, settings, notify) as image:
        _require_same(former, image, settings)
        ready = ready_when(name, image, wanted)
        layers = seen_layers(image)
        with booted(image, ready, wanted, notify) as (host, run):
            notify("looking")
            seen = observe(host, run, [layer.files for layer in layers])
            notify("clearing")
        about = About(
            image=settings.images[name].image,
            digest=image.manifest.digest,
            platform=settings.platform,
            ready=str(ready),
            span_bytes=settings.span_size,
            recompressed=image.recompressed,
        )
        return unite([*former, assemble(about, layers, seen)])


def _require_same(former: Sequence[Trace], image: Prepared, settings: Settings) -> None:
    """Before the boot: whether the traces can be united."""
    for one in former:
        if one.digest != image.manifest.digest:
            raise TraceError(
                f"The trace to unite with is of {one.image} ({one.digest}), and the image is {image.manifest.digest}."
            )
        if one.span_bytes != settings.span_size:
            raise TraceError(
                f"The trace to unite with has spans of {one.span_bytes} bytes. Say the same with --span-size."
            )


def seen_layers(image: Prepared) -> list[SeenLayer]:
    """The image's own layers, with files and spans of the form that is started."""
    return layers_with(image.manifest.layers, image.config.diff_ids, image.ztocs())


def layers_with(
    layers: Sequence[Descriptor], diff_ids: Sequence[str], ztocs: Sequence[bytes | None]
) -> list[SeenLayer]:
    """Layers, lowest first, with what their zTOCs say of them; None for a layer that has none."""
    return [
        SeenLayer(
            digest=layer.digest,
            diff_id=diff_id,
            media_type=layer.media_type,
            size_bytes=layer.size_bytes,
            files=LayerFiles(number, read_entries(ztoc)) if ztoc else None,
            spans=read_spans(ztoc) if ztoc else None,
        )
        for number, (layer, diff_id, ztoc) in enumerate(zip(layers, diff_ids, ztocs, strict=True))
    ]
