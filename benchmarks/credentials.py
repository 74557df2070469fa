"""Every command of the lab, in a shell full of marked credentials: who is started with one, and where one is written.

    PYTHONPATH=. python benchmarks/credentials.py

The thorough form of `tests/integration/test_secrets_in_the_lab.py`: traces, races, layouts and exports too.
Exit code 1 when a credential was seen where it has no business.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.support.secrets.flow import Home, at_home, private_registry, push_secret_image
from tests.support.secrets.marks import Marks

STACK = f"test-credentials-{os.getpid()}"
RUN = ("--stack", STACK, "--forms", "plain,soci-v2", "--set", "minLayerSize=0", "--counts", "1", "--blocks", "3")


def commands(reference: str, folder: Path) -> dict[str, tuple[str, ...]]:
    """The commands, in their order, by what they are called in the table."""
    own, results, out = ("--ready", "exit:0"), ("--results", str(folder / "results")), folder / "out"
    whole = ("--min-layer-size", "0")
    return {
        "run": ("run", "--image", f"web={reference}", *own, *RUN, *results),
        "sweep": ("sweep", "--stack", STACK, "--counts", "1", "--blocks", "1"),
        "report": ("report", "--format", "html", "--output", str(out / "report.html")),
        "export": ("export", "--format", "csv", "--output", str(out / "records.csv")),
        "outputs": ("outputs", "--stack", STACK),
        "trace": ("trace", reference, *own, "--output", str(out / "trace.json")),
        "tune": (
            "tune",
            reference,
            *own,
            "--minutes",
            "1",
            "--set",
            "minLayerSize=0",
            "--stack",
            f"{STACK}-t",
            *results,
        ),
        "relayout": (
            "relayout",
            reference,
            "--trace",
            str(out / "trace.json"),
            "--output",
            f"oci:{out / 'laid'}",
            *whole,
        ),
        "down": ("down", "--stack", STACK),
        "down of the race": ("down", "--stack", f"{STACK}-t"),
    }


def main() -> None:
    """Run the commands, print the table, and end with 1 when anything was seen."""
    marks, wrong = Marks(), False
    with tempfile.TemporaryDirectory(prefix="credentials-") as room:
        folder, outside = Path(room) / "home", Path(room) / "outside"
        (folder / "out").mkdir(parents=True)
        outside.mkdir()
        with private_registry(marks, outside) as private, at_home(folder, marks, umask=0) as home:
            reference = push_secret_image(marks, outside, private.host)
            home.environment["DOCKER_CONFIG"] = str(marks.docker_login(private.host, folder / "login"))
            print("| command | seconds | ended with | files and lines that show a credential |\n|---|---|---|---|")
            for name, words in commands(reference, folder).items():
                wrong |= _row(home, name, words)
            wrong |= bool(home.seen.words) or bool(home.open_to_others())
            print(f"\n{len(home.seen.programs)} programs ran.")
            print(f"With a credential among their words: {dict(home.seen.words)}")
            print(f"With one among their variables: {', '.join(sorted(home.seen.given_credentials()))}")
            print(f"What others may write: {home.open_to_others()}")
    sys.exit(wrong)


def _row(home: Home, name: str, words: tuple[str, ...]) -> bool:
    """Run a command; whether it went wrong. The image itself, as it was pushed or laid out, has its own variables."""
    began = time.monotonic()
    try:
        home(*words)
        ended = "0"
    except AssertionError as error:
        ended = str(error).replace("\n", " ")[:300]
    images = [*(home.data / "lab").glob("*/registry/storage"), home.folder / "out/laid"]
    shown = home.shown(but=images)
    print(f"| {name} | {time.monotonic() - began:.1f} | {ended} | {shown or 'none'} |", flush=True)
    return bool(shown) or ended != "0"


if __name__ == "__main__":
    main()
