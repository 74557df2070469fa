"""The look of plots: colours that follow the page's scheme, and charts as small, accessible inline SVG.

Colours are CSS variables with a fallback, so that one plot works on light and dark pages and on its own. The hues are
Okabe and Ito's (Color Universal Design, 2008), which people with any kind of colour vision can tell apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any

from infra.forms import FILE_KEY
from kit.values import Frozen

if TYPE_CHECKING:
    import altair as alt

WIDTH = 460
"""The width of one panel in SVG units: two fit side by side on a desktop, one fills a phone at about 3/4 size."""
INK = "var(--ink,#1f2328)"
MUTED = "var(--muted,#59636e)"
GRID = "var(--grid,#e3e6ea)"
LINE = "var(--line,#9aa4af)"
FORM_COLOURS = {
    "plain": "var(--form-plain,#6b7280)",
    "soci-v1": "var(--form-1,#c9540c)",
    "soci-v2": "var(--form-2,#0068a8)",
}
OTHER_FORMS = (
    "var(--form-3,#00805f)",
    "var(--form-4,#8c3f86)",
    "var(--form-5,#8a6d00)",
    "var(--form-6,#b0305c)",
    "var(--form-7,#4a4fb5)",
    "var(--form-8,#7a4a1e)",
    "var(--form-9,#0f7f90)",
    "var(--form-10,#5d7a1f)",
)
"""Of forms without a colour of their own, in the order of the plan; a ninth one looks like the first."""
SEGMENT_COLOURS = {
    "connect": "var(--part-connect,#8b95a1)",
    "wait": "var(--part-wait,#d5dae0)",
    "pull": "var(--part-pull,#0068a8)",
    "start": "var(--part-start,#c9540c)",
    "boot": "var(--part-boot,#8ec5ea)",
}
WHY_COLOURS = {
    "wire": "var(--why-wire,#0068a8)",
    "unpack": "var(--why-unpack,#c9540c)",
    "mount": "var(--why-mount,#8b95a1)",
    "spans": "var(--why-spans,#8c3f86)",
    "cpu": "var(--why-cpu,#00805f)",
    "quota": "var(--why-quota,#8fd0ba)",
    "other": "var(--why-other,#d5dae0)",
}
_LETTER_WIDTH = 7.2
_MOST_LETTERS = 30
_FILE = re.compile(rf"(?P<key>trace|files)=(?P<digest>{FILE_KEY}),?")
"""A setting that names a file by its content: long, and says nothing where there is only one."""
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_AXIS = {
    "labelColor": MUTED,
    "titleColor": MUTED,
    "gridColor": GRID,
    "domainColor": LINE,
    "tickColor": LINE,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "labelLimit": 150,
}
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": "transparent"},
    "mark": {"aria": False},
    "axis": _AXIS,
    "axisY": {"domain": False, "ticks": False, "grid": False, "labelColor": INK, "labelPadding": 8},
    "axisX": {"domain": False, "tickSize": 4, "titlePadding": 8},
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": LINE},
}


class Key(Frozen):
    """One entry of a figure's legend."""

    label: str
    colour: str


class Panel(Frozen):
    """One plot of a figure, with its text alternative."""

    title: str
    description: str
    svg: str


class Figure(Frozen):
    """Plots that belong together: what they show, how to read them, and what was not drawn."""

    name: str
    title: str
    caption: str
    notes: tuple[str, ...] = ()
    legend: tuple[Key, ...] = ()
    panels: tuple[Panel, ...] = ()


def legend(forms: Iterable[str]) -> tuple[Key, ...]:
    """The forms with their colours, the same in every plot."""
    return tuple(Key(label=form, colour=colour) for form, colour in _colours(forms).items())


def colour_by_form(forms: Sequence[str]) -> alt.Color:
    """The encoding that colours each mark by its field ``form``."""
    import altair as alt

    return alt.Color("form:N", scale=alt.Scale(domain=forms, range=list(_colours(forms).values())), legend=None)


def label_room(labels: Iterable[str]) -> dict[str, Any]:
    """Axis properties that leave room for labels in any font: the page's font cannot be measured here."""
    room = round(max(map(len, labels)) * _LETTER_WIDTH) + 12
    return {"minExtent": room, "maxExtent": room, "labelLimit": room}


def row_labels(labels: Iterable[str], key: str = "datum.label", condition: str = "true") -> dict[str, Any]:
    """Axis properties that show the labels of rows, shortened.

    ``key`` is Vega's expression for the label of a tick, ``condition`` for whether it is shown.
    """
    short = short_labels(list(dict.fromkeys(labels)))
    return {**label_room(short.values()), "labelExpr": f"{condition} ? {json.dumps(short)}[{key}] : ''"}


def short_labels(labels: Sequence[str]) -> dict[str, str]:
    """Each label with the text that an axis shows: without a file that all share, and not longer than half a panel."""
    files = {file.group("key", "digest") for label in labels for file in _FILE.finditer(label)}
    keys = [key for key, _ in files]

    def shared(file: re.Match[str]) -> str:
        return "" if keys.count(file["key"]) == 1 else file[0]

    return {label: _cut(_FILE.sub(shared, label).replace("()", "").replace(",)", ")")) for label in labels}


def _cut(label: str) -> str:
    half = (_MOST_LETTERS - 1) // 2
    return label if len(label) <= _MOST_LETTERS else f"{label[: _MOST_LETTERS - 1 - half]}…{label[-half:]}"


def layered(*layers: alt.Chart, height: int) -> alt.LayerChart:
    """Charts on top of each other, the first at the bottom."""
    import altair as alt

    return alt.LayerChart(layer=list(layers), height=height)


def panel(name: str, title: str, description: str, chart: alt.LayerChart) -> Panel:
    """A chart as a panel; ``name`` must be unique on the page, because it identifies the text alternative."""
    return Panel(title=title, description=description, svg=_svg(name, title, description, chart))


def _colours(forms: Iterable[str]) -> dict[str, str]:
    others = cycle(OTHER_FORMS)
    return {form: FORM_COLOURS.get(form) or next(others) for form in dict.fromkeys(forms)}


def _svg(name: str, title: str, description: str, chart: alt.LayerChart) -> str:
    import vl_convert  # starts a JavaScript engine, so only when a plot is drawn

    styled = chart.properties(width=WIDTH, autosize=_FIT).configure(**CONFIG)
    svg = vl_convert.vegalite_to_svg(styled.to_dict(validate=False))  # each part was validated when it was created
    head, body = re.fullmatch(r"(<svg [^>]*>)(.*)", svg, re.DOTALL).groups()  # type: ignore[union-attr]
    box = re.search(r'viewBox="[^"]*"', head).group()  # type: ignore[union-attr]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="{name}-t {name}-d">'
    texts = f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
    return opening + texts + _lean(body)


_FIT = {"type": "fit", "contains": "padding"}
_DIMENSIONS = re.compile(r' (?:transform|d|x2|y2|width|height)="[^"]*"')
_FRACTION = re.compile(r"(\.\d\d)\d+")
_NEEDLESS = re.compile(
    r' (?:pointer-events|aria-\w+|role|class|stroke-miterlimit|font-family)="[^"]*"'
    r'|<path [^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>'
)


def _lean(body: str) -> str:
    """Drop what a static plot does not need, which halves the size. The font comes from the page."""
    return _NEEDLESS.sub("", _DIMENSIONS.sub(lambda match: _FRACTION.sub(r"\1", match.group()), body))
