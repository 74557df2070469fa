"""The `sociometer` command: puts the command groups together and turns errors into exit codes."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


def main() -> None:
    """Entry point."""
    app()
