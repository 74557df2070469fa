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

if TYPE_CHECKING:
    from experiments.report.plots.style import Figure

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TEMPLATES = Path(__file__).parent / "templates"


def html(contents: Contents, figures: tuple[Figure, ...]) -> str:
    """The whole page."""
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
    style = style_sheet()
    page = environment.get_template("report.html.j2").render(
        report=contents,
        analysis=contents.analysis,
        figures=figures,
        style=style,
        style_digest=_digest(style),
        tables=contents.tables,
        wording=wording,
        simulated=SIMULATED,
        version=version("sociometer"),
    )
    return wording.visible(page)


def style_sheet() -> str:
    """The look of every page."""
    return (_TEMPLATES / "report.css").read_text()


def _digest(style: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"
