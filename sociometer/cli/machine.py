"""`sociometer tools` and `sociometer doctor`: show what this machine has, and install what is missing."""

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
from kit.toolchain import needs, toolbox
from kit.toolchain.programs import show_version
from kit.toolchain.toolbox import Located
from sociometer.cli import suggestions
from sociometer.cli.choosing import chosen_target
from sociometer.cli.options import Stack
from sociometer.cli.steps import Steps

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Purpose = Annotated[
    str,
    typer.Option(
        "--for",
        metavar="|".join(needs.PURPOSES),
        help="What for: the lab needs all of them and root, fargate four and no root, to read results nothing.",
    ),
]

READING = "read"
Examined = Annotated[
    str | None,
    typer.Option(
        "--for",
        "--target",
        metavar="lab|fargate|sim|read",
        help="What for: tasks in the lab, on AWS, in a simulation, or to read records.",
        show_default="the stack's target; lab",
    ),
]

MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "failure": "[red]failure[/]"}
WORKS = {
    "lab": ("The lab can run on this machine.", "The lab cannot run on this machine."),
    "fargate": ("Fargate can be used from this machine.", "Fargate cannot be used from this machine."),
    "sim": ("The simulation needs nothing.", ""),
    READING: ("Reading, comparing and exporting records needs nothing but this command.", ""),
}
"""What is said of a target that can be used, and of one that cannot."""
ORIGINS = {"path": "this machine", "cache": "Sociometer's cache", "missing": "missing"}

ProgramName = Annotated[
    str | None,
    typer.Argument(help="A program, such as regctl.", autocompletion=lambda: suggestions.one_of(_programs())),
]

tools = typer.Typer(no_args_is_help=True, help="Install and list the programs that Sociometer uses.")


def register(app: typer.Typer) -> None:
    """Add `doctor` and the `tools` group to the command."""
    app.command("doctor")(examine)
    app.add_typer(tools, name="tools")


def examine(target: Examined = None, stack: Stack = None, as_json: AsJson = False) -> None:
    """Check whether this machine has what the lab, or Fargate, needs, and say what to do if not. Exit code 3 if not.

    Of each tool that is missing it says what installing it will mean: a download, or how long a build. With --for
    fargate: credentials, Docker, the tools, Pulumi's plugins, and the account's quotas. Nothing is changed.
    """
    if target == READING:
        sys.stdout.write(f"{WORKS[READING][0]}\n" if not as_json else json.dumps({READING: True, "checks": []}) + "\n")
        return
    chosen = chosen_target(target, stack)
    checks, still = chosen.examine()
    able = not doctor.obstacles(checks)
    if as_json:
        _print_json({chosen.name: able, "still_works": still, "checks": [asdict(check) for check in checks]})
    else:
        _print_checks(checks, WORKS[chosen.name], still, able=able)
    if not able:
        raise typer.Exit(3)


@tools.command("install")
def install(
    purpose: Purpose = "lab",
    build: Annotated[
        bool | None,
        typer.Option(
            "--build/--no-build",
            help="Download no releases, or build nothing.",
            show_default="build what cannot be downloaded",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install missing tools: uses those on PATH that are recent enough, and gets the rest once, into a cache.

    What its publisher releases is downloaded and checked against the pinned SHA-256; where nothing can be
    downloaded, it is built. SOCIOMETER_MIRROR takes the place of https://github.com.
    """
    entries = installer.install(needs.tools_for(purpose), Steps(), build=build)
    if as_json:
        _print_json([_plain(entry) for entry in entries])
        return
    ours = sum(entry.origin == "cache" for entry in entries)
    if not entries:
        sys.stdout.write("Nothing is needed to read and compare results.\n")
    else:
        where = f"{len(entries) - ours} on this machine, {ours} in {toolbox.tools_dir()}"
        sys.stdout.write(f"{len(entries)} tools are ready: {where}.\n")


@tools.command("list")
def show(purpose: Purpose = "lab", as_json: AsJson = False) -> None:
    """Show each tool's version and place, or why it is missing. Exit code 3 when one is missing."""
    entries = [toolbox.locate(tool) for tool in needs.tools_for(purpose)]
    if as_json:
        _print_json([_plain(entry) for entry in entries])
    else:
        Console().print(_table(entries))
    if any(entry.origin == "missing" for entry in entries):
        raise typer.Exit(3)


@tools.command("path")
def path(name: ProgramName = None) -> None:
    """Print a program's path; without a name, a PATH on which all tools are found."""
    sys.stdout.write(f"{toolbox.tool(name) if name else toolbox.tools_path()}\n")


@tools.command("key")
def key() -> None:
    """Print a word that changes when what `tools install` would build does: the key under which to cache it."""
    sys.stdout.write(f"{toolbox.key()}\n")


def _programs() -> list[str]:
    return [program for tool in needs.tools_for("lab") for program in tool.programs]


def _print_checks(checks: Sequence[Check], works: tuple[str, str], still: str, *, able: bool) -> None:
    console = Console(highlight=False)
    table = Table("", "check", Column("found", overflow="fold"), box=None, pad_edge=False)
    for check in checks:
        table.add_row(MARKS[check.state], check.name, escape(check.found))
    console.print(table)
    for check in checks:
        if check.state != "ok":
            console.print(f"\n{MARKS[check.state]} {check.name}: {escape(check.meaning)}. {escape(check.advice)}")
    console.print(f"\n{works[0]}" if able else f"\n{works[1]} What still works: {still}.")


def _table(entries: Iterable[Located]) -> Table:
    table = Table("tool", "version", "from", Column("where", overflow="fold"), box=None, pad_edge=False)
    for entry in entries:
        table.add_row(
            entry.tool.name, entry.version or "-", ORIGINS[entry.origin], escape(str(entry.folder or entry.note))
        )
    return table


def _plain(entry: Located) -> dict[str, Any]:
    return {
        "name": entry.tool.name,
        "version": entry.version,
        "minimum": show_version(entry.tool.minimum),
        "pinned": entry.tool.pinned_version,
        "origin": entry.origin,
        "folder": str(entry.folder) if entry.folder else None,
        "programs": list(entry.tool.programs),
        "note": entry.note,
    }


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
