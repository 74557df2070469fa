"""`sociometer lab-shell`: the lab in a container, for a Mac, and where nothing else is to be installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from infra.lab_container import context, passing
from infra.lab_container.engine import Engine
from infra.lab_container.inside import LONGEST_SECONDS
from infra.lab_container.session import PROXIES, Session, owner_of_new_files
from kit import child
from kit.errors import MachineError
from kit.scratch import temporary_folder
from kit.toolchain.releases import MIRROR
from sociometer.cli import interrupts
from sociometer.cli.steps import Steps

DAEMON_FAILED = 125
"""What Docker and Podman end with when they could not start the container."""

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND…", help="A command with its options, such as: run --image docker-daemon:web:dev."),
]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", metavar="docker|podman", help="What runs the container.", show_default="the one on PATH"),
]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE",
        help="Build the image on this Debian or Ubuntu: one that trusts a company's authority, say.",
        show_default="debian:bookworm-slim",
    ),
]
BuildTools = Annotated[
    bool, typer.Option("--build-tools", help="Build the tools in the image from source, half an hour; download none.")
]
Network = Annotated[
    str | None, typer.Option(metavar="NAME", help="The container's network, as `docker run --network` takes it.")
]


def register(app: typer.Typer) -> None:
    """Add the command. Its own options come first; from the first word on, all belongs to the command inside."""
    app.command("lab-shell", context_settings={"allow_interspersed_args": False})(lab_shell)


def lab_shell(
    words: Words = None,
    engine: EngineName = None,
    base: Base = None,
    build_tools: BuildTools = False,
    network: Network = None,
) -> None:
    """Run a command in a container that has the whole lab, with Docker or Podman; without one, a shell.

    The image is built at the first use, and again when this command is another version. The current folder is the
    container's: results, with the records, come out into its folder `results`, and files are named from there.
    Images of the local daemon (docker-daemon:…) are sent to the container. What is kept lies on the volume
    `sociometer-lab`. `sociometer help macos` has the rest.
    """
    found = Engine.found(engine)
    owner = owner_of_new_files(found.require_able())
    session = Session(found, context.image_name(), Path.cwd(), network, owner)
    steps = Steps()
    command, images = passing.replaced(words or [], found.image)
    if base or build_tools or found.image(session.image) is None:
        _build(session, base, build_tools=build_tools, steps=steps)
    for each in images:
        with steps(f"sending {each.reference} to the lab", 0, 0) as note:
            passing.send(found, each, session, note)
    raise typer.Exit(_attended(session, ["sociometer", *command] if words else ["bash"]))


def _build(session: Session, base: str | None, *, build_tools: bool, steps: Steps) -> None:
    given = {"BASE": base, "TOOLS": "--build" if build_tools else None}
    # By their names alone: what is in them is nobody's who lists processes.
    inherited = [name for name in (MIRROR, *PROXIES) if os.environ.get(name)]
    arguments = [*(f"{name}={value}" for name, value in given.items() if value), *inherited]
    options = [*(word for each in arguments for word in ("--build-arg", each)), *session.network_words]
    with (
        steps(f"building {session.image}, once", 0, 0) as note,
        temporary_folder("sociometer-lab-", None) as folder,
    ):
        context.lay_out(folder)
        session.engine.build(folder, context.DOCKERFILE, session.image, options, note)


def _attended(session: Session, command: Sequence[str]) -> int:
    """Run the command to its end, and end it as this process is told to; gives its exit code."""
    terminal = os.isatty(0) and os.isatty(1)
    words = session.running(command, terminal=terminal)
    told = 0
    with interrupts.handled() as received:
        # In a terminal Ctrl-C belongs to the command inside. Elsewhere it reaches us alone, and we hand it on.
        process = child.start(words, stdin=None, start_new_session=not terminal, env=dict(os.environ))
        while True:
            try:
                code = process.wait(LONGEST_SECONDS)
                break
            except KeyboardInterrupt:
                told += 1
                if told > 1 or not session.signal(received.number or 0):
                    process.kill()
    if told:  # a terminal that is gone ends docker's command at once, and the one inside has still to clear
        session.end(at_once=told > 1)
        return received.exit_code if code < 0 else code
    if code == DAEMON_FAILED:
        raise MachineError(f"{session.engine.name} could not start the lab's container. It says why above.")
    return int(code)
