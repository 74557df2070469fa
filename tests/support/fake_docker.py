"""A stand-in for the command `docker`, which keeps what it was told; `tests/contracts/container_engine.py` has what it
shares with the real one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.lab_container import context
from tests.support.programs import script

HOST = "unix:///fake/docker.sock"
INFO = {"SecurityOptions": ["name=seccomp,profile=default"], "MemTotal": 8_000_000_000}
_PROGRAM = """
import json, os, pathlib, signal, subprocess, sys
room = pathlib.Path(__file__).parent
words = sys.argv[1:]
with (room / "told").open("a") as told:
    told.write(json.dumps(words) + "\\n")
about = json.loads((room / "about.json").read_text())
if os.environ.get("DOCKER_HOST", about["host"]) != about["host"]:
    refused = f"Cannot connect to the Docker daemon at {os.environ['DOCKER_HOST']}. Is the docker daemon running?"
    sys.exit(print(json.dumps({"ServerErrors": [refused]})))
match words[0]:
    case "info":
        print(json.dumps(about["info"]))
    case "image":
        found = about["images"].get(words[-1])
        sys.exit(f"Error: No such image: {words[-1]}") if found is None else print(json.dumps(found))
    case "save":
        sys.stdout.write("an archive")
        sys.exit(about["save"])
    case "build":
        print("Step 1/2 : FROM debian", flush=True)
        kept = sorted(str(path.relative_to(words[-1])) for path in pathlib.Path(words[-1]).rglob("*") if path.is_file())
        (room / "context").write_text("\\n".join(kept))
        sys.exit(about["build"])
    case "run" if "receive" in words:
        (room / "received").write_bytes(sys.stdin.buffer.read())
        sys.exit(about["receive"])
    case "run":
        started = subprocess.Popen(["sh", "-c", about["run"]])
        (room / "pid").write_text(str(started.pid))
        sys.exit(started.wait() % 256)
    case "kill":
        if not (room / "pid").exists():
            sys.exit(f"Error response from daemon: Cannot kill container: No such container: {words[-1]}")
        os.kill(int((room / "pid").read_text()), int(words[2]))
    case "rm" | "wait":
        pass
    case other:
        sys.exit(f"docker: '{other}' is not a docker command.")
"""


@dataclass(frozen=True)
class FakeDocker:
    """Its folder, which is to be put on PATH."""

    folder: Path

    @property
    def told(self) -> list[list[str]]:
        """The words of each call."""
        return [json.loads(line) for line in (self.folder / "told").read_text().splitlines()]

    def calls(self, command: str) -> list[list[str]]:
        """Those of one command."""
        return [words for words in self.told if words[0] == command]

    def will(self, **about: Any) -> None:
        """Change how it behaves: ``images`` by name, exit codes of ``build``, ``save`` and ``receive``; what ``run``
        does, as a script.
        """
        file = self.folder / "about.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **about}))


def image(digit: str = "a") -> Mapping[str, Any]:
    """What it says of an image."""
    return {"Id": f"sha256:{digit * 64}", "Size": 10}


def fake_docker(folder: Path) -> FakeDocker:
    """Make the command in a folder."""
    made = FakeDocker(folder)
    script(folder / "docker", f'exec {sys.executable} "$(dirname "$0")/docker.py" "$@"')
    (folder / "docker.py").write_text(_PROGRAM)
    about = {"host": HOST, "info": INFO, "images": {}, "build": 0, "save": 0, "receive": 0, "run": "exit 0"}
    (folder / "about.json").write_text(json.dumps(about))
    return made


def on_path(folder: Path, patch: pytest.MonkeyPatch) -> FakeDocker:
    """One that is the only `docker` on PATH while the patch lasts, and has the lab's image."""
    folder.mkdir()
    patch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    patch.delenv("DOCKER_HOST", raising=False)
    made = fake_docker(folder)
    made.will(images={context.image_name(): image(), "web:dev": image("b")})
    return made
