"""`sociometer tools` and `sociometer doctor`: what is on this machine, and putting what is missing there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from kit.machine import doctor
from kit.machine.check import Check
from kit.toolchain import install as installer
from kit.toolchain import toolbox
from kit.toolchain.pins import TOOLS
from kit.toolchain.programs import show_version
from kit.toolchain.toolbox import Located
from sociometer.cli.choosing import chosen_target
from sociometer.cli.options import Stack, TargetName
from sociometer.cli.steps import Steps

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "failure": "[red]failure[/]"}
WORKS = {
    "lab": ("The lab can run on this machine.", "The lab cannot run on this machine."),
    "fargate": ("Fargate can be used from this machine.", "Fargate cannot be used from this machine."),
    "sim": ("The simulation needs nothing.", ""),
}
"""What is said of a target that can be used, and of one that cannot."""
ORIGINS = {"path": "this machine", "cache": "Sociometer's cache", "missing": "missing"}

tools = typer.Typer(no_args_is_help=True, help="The programs that Sociometer works with: install and list them.")


def register(app: typer.Typer) -> None:
    """Add `doctor` and the `tools` group to the command."""
    app.command("doctor")(examine)
    app.add_typer(tools, name="tools")


def examine(target: TargetName = None, stack: Stack = None, as_json: AsJson = False) -> None:
    """Check whether this machine can run the lab, or reach AWS, and say what to do when not. Exit code 3 when not.

    With --target fargate: credentials, Docker, Pulumi and its plugins, and the account's quotas. Nothing is changed.
    """
    chosen = chosen_target(target, stack)
    checks, still = chosen.examine()
    able = not doctor.obstacles(checks)
    if as_json:
        _print_json({chosen.name: able, "still_works": still, "checks": [asdict(check) for check in checks]})
    else:
        _tell(checks, WORKS[chosen.name], still, able=able)
    if not able:
        raise typer.Exit(3)


@tools.command("install")
def install(as_json: AsJson = False) -> None:
    """Install what is missing: uses what is on PATH at a sufficient version, builds the rest once into a cache."""
    located = installer.install(progress=Steps())
    if as_json:
        _print_json([_plain(found) for found in located])
        return
    built = sum(found.origin == "cache" for found in located)
    where = toolbox.tools_dir()
    sys.stdout.write(f"{len(located)} tools are ready: {len(located) - built} of this machine, {built} in {where}.\n")


@tools.command("list")
def show(as_json: AsJson = False) -> None:
    """Show each tool with its version, where it is, and why a missing one is missing. Exit code 3 when one is."""
    located = [toolbox.locate(tool) for tool in TOOLS]
    if as_json:
        _print_json([_plain(found) for found in located])
    else:
        Console().print(_table(located))
    if any(found.origin == "missing" for found in located):
        raise typer.Exit(3)


@tools.command("path")
def path(name: Annotated[str | None, typer.Argument(help="A program, such as regctl.")] = None) -> None:
    """Print where a program is; without a name, the PATH on which all tools are found."""
    sys.stdout.write(f"{toolbox.tool(name) if name else toolbox.tools_path()}\n")


def _tell(checks: Sequence[Check], works: tuple[str, str], still: str, *, able: bool) -> None:
    console = Console(highlight=False)
    table = Table("", "check", Column("found", overflow="fold"), box=None, pad_edge=False)
    for check in checks:
        table.add_row(MARKS[check.state], check.name, escape(check.found))
    console.print(table)
    for check in checks:
        if check.state != "ok":
            console.print(f"\n{MARKS[check.state]} {check.name}: {escape(check.meaning)}. {escape(check.advice)}")
    console.print(f"\n{works[0]}" if able else f"\n{works[1]} What still works: {still}.")


def _table(located: Iterable[Located]) -> Table:
    table = Table("tool", "version", "from", Column("where", overflow="fold"), box=None, pad_edge=False)
    for found in located:
        table.add_row(
            found.tool.name, found.version or "-", ORIGINS[found.origin], escape(str(found.folder or found.note))
        )
    return table


def _plain(found: Located) -> dict[str, Any]:
    return {
        "name": found.tool.name,
        "version": found.version,
        "minimum": show_version(found.tool.minimum),
        "pinned": found.tool.pinned_version,
        "origin": found.origin,
        "folder": str(found.folder) if found.folder else None,
        "programs": list(found.tool.programs),
        "note": found.note,
    }


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
