"""Reads a report's page without using the code under test: its tables as texts, and its plots as marks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Page(HTMLParser):
    """A page's tables, each a list of rows of cells, by the headings before it: section and subsection."""

    tables: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    headings: list[str] = field(default_factory=lambda: ["", ""])
    text: str | None = None
    row: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h2", "h3", "td", "th"):
            self.text = ""
        elif tag == "tr":
            self.row = []
        elif tag == "table":
            self.tables[self._place()] = []
        elif tag == "small" and self.text is not None:
            self.text += "|"

    def handle_endtag(self, tag: str) -> None:
        text = (self.text or "").strip()
        if tag == "h2":
            self.headings = [text, ""]
        elif tag == "h3":
            self.headings[1] = text
        elif tag in ("td", "th"):
            self.row.append(text)
        elif tag == "tr":
            self.tables[self._place()].append(self.row)
        if tag in ("h2", "h3", "td", "th"):
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text += data

    def _place(self) -> tuple[str, str]:
        return (self.headings[0], self.headings[1])


def tables(html: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    """The rows of every table, by its headings; each row maps column names to cells."""
    page = Page()
    page.feed(html)
    return {
        place: [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] for place, rows in page.tables.items() if rows
    }


@dataclass(frozen=True)
class Mark:
    """A dot (its centre) or a bar (its top left corner and width), with the CSS variable of its colour."""

    x: float
    y: float
    width: float
    colour: str


def dots(svg: str) -> list[Mark]:
    """The filled circles of a plot."""
    circles = (
        (re.fullmatch(r"translate\((-?[\d.]+),(-?[\d.]+)\)", path.get("transform", "")), _colour(path))
        for path in _paths(svg)
        if "A" in path.get("d", "")
    )
    return [Mark(float(place[1]), float(place[2]), 0, colour) for place, colour in circles if place and colour]


def bars(svg: str) -> list[Mark]:
    """The bars of a plot, left to right within each row."""
    boxes = (
        (re.fullmatch(r"M(-?[\d.]+),(-?[\d.]+)h([\d.]+)v[\d.]+h-[\d.]+Z", path.get("d", "")), _colour(path))
        for path in _paths(svg)
    )
    return [Mark(float(box[1]), float(box[2]), float(box[3]), colour) for box, colour in boxes if box and colour]


def texts(svg: str) -> list[str]:
    """Every text of a plot."""
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own


def _paths(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}path"))  # noqa: S314 - our own


def _colour(path: ElementTree.Element) -> str | None:
    variable = re.match(r"var\(--([\w-]+)", path.get("fill", ""))
    return variable[1] if variable else None
