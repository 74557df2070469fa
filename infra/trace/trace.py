"""`trace`: an image is prepared, booted once and looked at; the result is a `Trace`. Nothing stays on the machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from infra.lab.alone import alone_in_the_lab
from infra.oci.manifest import Descriptor
from infra.oci.ztoc import read_entries, read_spans
from infra.settings.model import Settings
from infra.trace.assemble import assemble
from infra.trace.contents import LayerFiles
from infra.trace.model import Trace
from infra.trace.prepare import Prepared, fetch, files_of, index
from infra.trace.record import Wanted, boot, observe, opening
from infra.trace.seen import About, SeenLayer
from infra.trace.unite import unite
from kit.errors import TraceError
from kit.machine.doctor import require_lab
from kit.scratch import scratch
from kit.values import Notify


def trace(name: str, settings: Settings, wanted: Wanted, notify: Notify, former: Sequence[Trace] = ()) -> Trace:
    """Boot the image that the settings call ``name`` and record what it reads until it is ready; united with
    ``former`` traces of it.

    Raises `ImageError`, `SettingsError`, `MachineError`, `LabError` or `TraceError` in one line: no such image, nothing
    lazy, never ready, former traces of another image; `StoreError` while another command uses the lab.
    """
    require_lab()
    with alone_in_the_lab(), scratch("trace") as room:
        found = fetch(name, settings, room, notify)
        _require_same(former, found.manifest.digest, settings)
        with opening(files_of(room), wanted) as lab, ThreadPoolExecutor(1) as beside:
            image = index(found, settings, room, notify)
            layers = beside.submit(seen_layers, image)
            host, run = boot(lab, image, wanted, notify)
            notify("looking")
            seen = observe(host, run, [layer.files for layer in layers.result()])
            notify("clearing")
    about = About(
        image=settings.images[name].image,
        digest=found.manifest.digest,
        platform=settings.platform,
        ready=str(found.ready),
        span_bytes=settings.span_size,
        recompressed=image.recompressed,
    )
    return unite([*former, assemble(about, layers.result(), seen)])


def _require_same(former: Sequence[Trace], digest: str, settings: Settings) -> None:
    """Before the boot: whether the traces can be united."""
    for one in former:
        if one.digest != digest:
            raise TraceError(f"The trace to unite with is of {one.image} ({one.digest}), and the image is {digest}.")
        if one.span_bytes != settings.span_size:
            raise TraceError(
                f"The trace to unite with has spans of {one.span_bytes} bytes. Say the same with --span-size."
            )


def seen_layers(image: Prepared) -> list[SeenLayer]:
    """The image's own layers, with files and spans of the form that is started."""
    return layers_with(image.image.manifest.layers, image.image.config.diff_ids, image.ztocs)


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
