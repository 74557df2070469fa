"""The command as a user runs it whose shell, logins and settings are full of credentials, in a home of its own."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kit.paths import cache_dir
from tests.support.aws.command import PROGRAM, SECONDS
from tests.support.environments import ROOT
from tests.support.field_images import Tar, gzip_layer, image
from tests.support.images import push_layout
from tests.support.registry import TestRegistry, registry
from tests.support.secrets.marks import Marks
from tests.support.secrets.watched import Watched, watched
from tests.support.traced import busybox

WRITABLE_BY_OTHERS = 0o022


@dataclass
class Home:
    """A home, a data folder, results and room for temporary files; ``printed`` is all that commands have said."""

    folder: Path
    marks: Marks
    seen: Watched
    environment: dict[str, str]
    umask: int
    printed: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    @property
    def results(self) -> Path:
        """Where commands write their results."""
        return self.folder / "results"

    @property
    def data(self) -> Path:
        """The state of stacks, the records and the lab's registry."""
        return self.folder / "data"

    def __call__(self, *words: str, exit_code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """The command run to its end, which is to have that exit code; all that it prints is kept."""
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=ROOT,
            env={**self.environment, **variables},
            umask=self.umask,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.printed += [done.stdout, done.stderr]
        assert done.returncode == exit_code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def keep_in_the_stack(self, stack: str) -> None:
        """Keep a secret in a stack's settings as a user does it with Pulumi, which encrypts it with the passphrase."""
        line = f'eval "$(sociometer stack env)"; pulumi config set --secret app:token --stack {stack}'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=ROOT,
            env=self.environment,
            input=self.marks["stack-secret"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed += [done.stdout, done.stderr]
        assert done.returncode == 0, done.stdout + done.stderr

    def shown(self, but: Iterable[Path] = ()) -> dict[str, set[str]]:
        """Where credentials are that a command has written or printed, but for the user's own Docker logins."""
        logins = self.folder.glob("*/config.json")
        written = self.marks.in_files(self.folder, *self.touched(), leave_out=[*logins, *but])
        said = self.marks.named("\n".join(self.printed).encode())
        return {**written, **({"said": said} if said else {})}

    def touched(self) -> list[Path]:
        """What was written since the home was made in the cache that all commands on the machine share."""
        places = (place for place in cache_dir().glob("*") if place.name not in ("go", "tools"))
        below = (each for place in places for each in (place, *place.rglob("*")))
        return [path for path in below if path.is_file() and _changed(path) >= self.began]

    def open_to_others(self) -> list[str]:
        """What others than its owner may change."""
        found = (path for path in self.folder.rglob("*") if not path.is_symlink())
        return [
            f"{path} {path.stat().st_mode & 0o7777:o}" for path in found if path.stat().st_mode & WRITABLE_BY_OTHERS
        ]


@contextmanager
def at_home(folder: Path, marks: Marks, more: Mapping[str, str] | None = None, umask: int = 0o022) -> Iterator[Home]:
    """A home for as long as the block lasts, in which every process is watched."""
    places = {"HOME": folder / "home", "TMPDIR": folder / "tmp", "SOCIOMETER_DATA": folder / "data"}
    for place in (places["HOME"], places["TMPDIR"]):
        place.mkdir()
    ours = {**{name: str(place) for name, place in places.items()}, "SOCIOMETER_CACHE": str(cache_dir())}
    ours["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with watched(marks) as seen:
        yield Home(folder, marks, seen, {**os.environ, **marks.environment(), **ours, **(more or {})}, umask)


@contextmanager
def private_registry(marks: Marks, folder: Path) -> Iterator[TestRegistry]:
    """A registry that asks for the marked user and password."""
    hashed = _bcrypt(marks["registry-password"])
    (folder / "htpasswd").write_text(f"{marks['registry-user']}:{hashed}\n")
    with registry(htpasswd=folder / "htpasswd") as running:
        yield running


def push_secret_image(marks: Marks, folder: Path, registry: str) -> str:
    """An image with a password among its own variables, pushed with a login made in ``folder``; gives its reference."""
    layer = gzip_layer(Tar().folder("bin").file("bin/busybox", busybox(), 0o755))
    config = {"Cmd": ["/bin/busybox", "true"], "Env": [f"DATABASE_PASSWORD={marks['image-variable']}"]}
    made = image([layer], config=config)
    made.write(folder / "image")
    login = marks.docker_login(registry, folder / "login")
    return push_layout(folder / "image", made.digest, f"{registry}/team/web", login)


def _changed(path: Path) -> float:
    """When a file was written; one that another process has removed was not."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _bcrypt(password: str) -> str:
    library = ctypes.CDLL(ctypes.util.find_library("crypt"))
    library.crypt.restype = ctypes.c_char_p
    hashed: bytes = library.crypt(password.encode(), b"$2b$04$EJCs4NiXhKC2BC6l3jky8O")
    return hashed.decode()
