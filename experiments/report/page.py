"""The report as one self-contained HTML file: no network, no script, no font.

Every text is escaped (jinja2 with autoescape). The page's content security policy forbids everything that is not in
the file, so that nothing could run or be fetched even if the escaping failed. The plots are our own SVG, from `plots`.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import wording
from experiments.report.contents import SIMULATED, Contents
from kit.visible import visible

if TYPE_CHECKING:
    from experiments.report.plots.style import Figure

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TEMPLATES = Path(__file__).parent / "templates"


def html(contents: Contents, figures: tuple[Figure, ...]) -> str:
    """The page of one sweep."""
    return rendered(
        "report.html.j2",
        report=contents,
        analysis=contents.analysis,
        figures=figures,
        tables=contents.tables,
        wording=wording,
        version=version("sociometer"),
    )


def rendered(template: str, **values: object) -> str:
    """A page from one of the templates, with the look that all pages have."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # for the page alone

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = lambda value: f"{value:,}"
    environment.filters["bound"] = lambda text: text.replace(" %", _NO_BREAK + "%")
    style = (_TEMPLATES / "report.css").read_text()
    page = environment.get_template(template).render(
        style=style, style_digest=_digest(style), simulated=SIMULATED, **values
    )
    return visible(page)


def _digest(style: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"
