"""A trace as a picture: every layer as a band, the files of it at the time of their first access, read or not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from experiments.report.plots.style import CONFIG, FORM_COLOURS, GRID, INK, MUTED, SEGMENT_COLOURS
from experiments.wording import percent, plural, size
from infra.trace.model import Range, Trace
from infra.trace.summary import summary
from kit.files import write
from kit.visible import visible

WIDTH, HEIGHT = 900, 460
GAP = 3.0
LEAST_BAND = 12.0
"""A layer of a few bytes can still be seen; many share half the height, and bands lower than this have no label."""
READ, FETCHED, NOT_FETCHED = FORM_COLOURS["soci-v2"], SEGMENT_COLOURS["boot"], GRID
BAND = "var(--band,#f4f5f7)"
STRIP = (-0.055, -0.015)
"""Where the strip stands that shows what was read, in parts of the boot's time."""
PNG_SCALE = 2.0
DOTS = "Each dot is a file at its first access; its size is what was read of it. Areas of the strip are bytes."
ROOM = 24
"""Beside the labels: where the picture is shown, letters may be wider than those that it was laid out with."""
_DIGEST = re.compile(r"(@sha256:[0-9a-f]{12})[0-9a-f]+")
_VARIABLE = re.compile(r"var\(--[\w-]+,\s*(#[0-9a-fA-F]+)\)")


@dataclass(frozen=True)
class Band:
    """A layer in the picture: from which height to which, and how many bytes of tar it stands for."""

    bottom: float
    top: float
    size: int

    def height(self, offset: int) -> float:
        """Where a byte of the tar lies."""
        return self.bottom + (self.top - self.bottom) * min(offset / self.size, 1) if self.size else self.bottom

    @property
    def rows(self) -> int:
        """How many rows the strip has here."""
        return max(1, round(self.top - self.bottom))


def draw(trace: Trace, file: Path) -> None:
    """Write the picture; what kind it is, its name's end says: .html, .svg or .png."""
    import vl_convert  # starts a JavaScript engine

    on_page = file.suffix == ".html"
    spec = json.loads(_VARIABLE.sub(r"\1", json.dumps(_chart(trace, titled=not on_page).to_dict(validate=False))))
    if file.suffix == ".png":
        write(file, vl_convert.vegalite_to_png({**spec, "background": "white"}, scale=PNG_SCALE))
        return
    svg = vl_convert.vegalite_to_svg(spec)
    write(file, _page(trace, svg) if on_page else svg)


def description(trace: Trace) -> str:
    """The picture in a sentence."""
    found = summary(trace)
    files = f"{found.read_files:,} of {plural(found.files, 'file')}"
    spans = f"{found.needed_spans:,} of {plural(found.spans, 'span')}"
    return (
        f"The boot reads {percent(found.share)} of the image, in {files}, and touches {spans}; "
        f"{percent(found.needless)} of what is fetched is not needed."
    )


def _title(trace: Trace) -> str:
    """With as much of a digest as tells it from others: the whole would be wider than the picture."""
    image = _DIGEST.sub(r"\1…", visible(trace.image))
    return f"What {image} reads until it is ready"


def _page(trace: Trace, svg: str) -> str:
    title = escape(_title(trace))
    notes = "".join(f"<li>{escape(visible(line))}</li>" for line in trace.not_seen)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
        "color:#1f2328;background:#fff}svg{max-width:100%;height:auto}</style></head>"
        f"<body><h1>{title}</h1><p>{escape(description(trace))} {DOTS}</p>{svg}<ul>{notes}</ul></body></html>\n"
    )


def _chart(trace: Trace, *, titled: bool) -> Any:
    import altair as alt

    bands = _bands(trace)
    seconds = max(trace.ready_ms / 1000, 0.001)
    scale = alt.Scale(domain=[STRIP[0] * seconds, seconds], nice=False)
    axis = alt.Axis(grid=False, labelExpr="datum.value < 0 ? '' : datum.label", tickCount=10)
    x = alt.X("begin:Q", scale=scale, axis=axis, title="seconds after the pull, until ready")
    heights = alt.Scale(domain=[0, max(band.top for band in bands)], nice=False)
    y = alt.Y("low:Q", scale=heights, axis=None)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["read", "fetched, not needed", "not fetched"], range=[READ, FETCHED, NOT_FETCHED]),
        legend=alt.Legend(orient="top", title=None, symbolType="square", symbolOpacity=1, columnPadding=32),
    )
    parts = list(_parts(trace, bands, seconds))
    area = {"x": x, "x2": "end:Q", "y": y, "y2": "high:Q"}
    strip = alt.Chart(alt.InlineData(parts)).mark_rect().encode(**area, color=colour)
    fields = [{"begin": 0.0, "end": seconds, "low": band.bottom, "high": band.top} for band in bands]
    rows = alt.Chart(alt.InlineData(fields)).mark_rect(color=BAND).encode(**area)
    diameter = alt.Size("read_mb:Q", scale=alt.Scale(type="sqrt", range=[8, 260]), legend=None)
    marks = alt.Chart(alt.InlineData(list(dots(trace, bands)))).mark_point(filled=True, opacity=0.55, color=READ)
    label: dict[str, Any] = {"align": "right", "baseline": "middle", "dx": -8}
    names = alt.Chart(alt.InlineData(list(_labels(trace, bands, seconds)))).mark_text(**label)
    layers = [rows, strip, marks.encode(x=x, y=y, size=diameter), names.encode(x=x, y=y, text="text:N")]
    title = {
        "text": _title(trace),
        "subtitle": [description(trace), DOTS],
        "anchor": "start", "color": INK, "subtitleColor": MUTED, "fontSize": 15, "subtitleFontSize": 12, "offset": 10,
    }  # fmt: skip
    padding = {"left": ROOM, "right": 5, "top": 5, "bottom": 5}
    chart = alt.LayerChart(layer=layers, width=WIDTH, height=max(HEIGHT, bands[-1].top), padding=padding)
    chart = chart.properties(title=title) if titled else chart
    return chart.configure(**CONFIG)


def _bands(trace: Trace) -> list[Band]:
    """A band for each layer, the lowest at the bottom: as high as the layer is large."""
    sizes = [layer.lazy.tar_bytes if layer.lazy else 0 for layer in trace.layers] or [0]
    whole = max(sum(sizes), 1)
    bands: list[Band] = []
    bottom = 0.0
    least = min(LEAST_BAND, HEIGHT / 2 / len(sizes))
    gap = GAP * least / LEAST_BAND
    for tar_bytes in sizes:
        top = bottom + max(HEIGHT * tar_bytes / whole, least)
        bands.append(Band(bottom, top, tar_bytes))
        bottom = top + gap
    return bands


def _parts(trace: Trace, bands: Sequence[Band], seconds: float) -> Iterator[dict[str, Any]]:
    """The strip: what was fetched and read of each layer. Row by row its width is the layer's bytes, so that areas are
    bytes: a small file is no more than it is."""
    begin, end = (seconds * place for place in STRIP)
    read: dict[int, list[Range]] = {}
    for file in trace.files:
        if file.offset is not None:
            read.setdefault(file.layer, []).extend((file.offset + low, file.offset + high) for low, high in file.ranges)
    for number, (layer, band) in enumerate(zip(trace.layers, bands, strict=True)):
        yield {"kind": "not fetched", "begin": begin, "end": end, "low": band.bottom, "high": band.top}
        fetched = layer.lazy.fetched if layer.lazy else ()
        for kind, ranges in (("fetched, not needed", fetched), ("read", read.get(number, ()))):
            for row, share in enumerate(shares(band.size, band.rows, ranges)):
                low, high = (band.bottom + (band.top - band.bottom) * (row + at) / band.rows for at in (0, 1))
                if share:
                    yield {"kind": kind, "begin": begin, "end": begin + (end - begin) * share, "low": low, "high": high}


def shares(size: int, rows: int, ranges: Iterable[Range]) -> list[float]:
    """Of ``rows`` equal parts of ``size`` bytes, the share of each that lies in ``ranges``, which do not overlap."""
    covered = [0.0] * rows
    for start, stop in ranges:
        low, high = (min(at, size) * rows / size if size else 0.0 for at in (start, stop))
        for row in range(int(low), min(math.ceil(high), rows)):
            covered[row] += min(high, row + 1) - max(low, row)
    return covered


def dots(trace: Trace, bands: Sequence[Band]) -> Iterator[dict[str, Any]]:
    """A mark for each file, in the middle of what was read of its file: of a large one that may be the front alone."""
    for file in trace.files:
        if file.offset is not None and file.first_ms is not None:
            weight = sum((stop - start) * (start + stop) // 2 for start, stop in file.ranges)
            middle = weight // file.read_bytes if file.read_bytes else file.size_bytes // 2
            height = bands[file.layer].height(file.offset + middle)
            yield {"begin": file.first_ms / 1000, "low": height, "read_mb": file.read_bytes / 1e6}


def _labels(trace: Trace, bands: Sequence[Band], seconds: float) -> Iterator[dict[str, Any]]:
    for number, (layer, band) in enumerate(zip(trace.layers, bands, strict=True)):
        if band.rows >= LEAST_BAND:
            large = size(layer.lazy.tar_bytes) if layer.lazy else "loaded whole"
            middle = (band.bottom + band.top) / 2
            yield {"begin": STRIP[0] * seconds, "low": middle, "text": f"layer {number}: {large}"}
