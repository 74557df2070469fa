"""`sociometer help`: the words of the project, from the same pages as docs/, where there is no checkout."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sociometer.cli import topics

Topic = Annotated[
    str | None,
    typer.Argument(
        help="A topic, such as forms, readiness or rounds.", autocompletion=lambda: list(topics.topics().items())
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("help")(show)


def show(topic: Topic = None) -> None:
    """Explain a word: forms, readiness, rounds, … Without one, list the topics.

    The options of a command are shown by its own --help.
    """
    if topic is None:
        known = topics.topics()
        widest = max(map(len, known))
        sys.stdout.writelines(f"{name:{widest}}  {title}\n" for name, title in known.items())
        return
    text = topics.text(topic)
    if sys.stdout.isatty() and text.startswith("#"):
        from rich.console import Console
        from rich.markdown import Markdown  # a tenth of every command's start, and needed here alone

        Console().print(Markdown(text, hyperlinks=False))
    else:
        sys.stdout.write(text)
