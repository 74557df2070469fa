"""Debian packages: installed without questions, or only unpacked where installing would start a service."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from kit.command import Completed, run
from kit.errors import CommandError, CommandFailed, MachineError
from kit.toolchain.pins import DebianPackage

APT_SECONDS = 1200
"""Time limit of one call of apt-get, including the wait for another one's lock."""

_OPTIONS = ("-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root")
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def require_able(packages: Sequence[str]) -> None:
    """Raise a `MachineError` that names the packages when this machine or user cannot install them."""
    if not packages:
        return
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise MachineError(
            f"These Debian packages are needed, but there is no apt-get here: {names}. "
            "Install your distribution's equivalents, then try again."
        )
    if os.geteuid() != 0:
        raise MachineError(f"Installing packages needs root. Run `sudo apt-get install {names}`, then try again.")


def install(packages: Sequence[str]) -> None:
    """Install packages; update the package lists only if that fails."""
    argv = ["apt-get", *_OPTIONS, "install", "--yes", "--no-install-recommends", *packages]
    _with_fresh_lists(argv, cwd=None)


def unpack(package: DebianPackage, into: Path) -> None:
    """Download a package and put the programs it names into ``into/bin``; nothing is installed or started."""
    download = into / "download"
    download.mkdir()
    _with_fresh_lists(["apt-get", *_OPTIONS, "download", package.package], cwd=download)
    [archive] = download.glob("*.deb")
    run(["dpkg-deb", "--extract", archive, download / "root"], timeout_seconds=APT_SECONDS)
    (into / "bin").mkdir(exist_ok=True)
    for program in package.extract:
        (download / "root" / program).rename(into / "bin" / Path(program).name)
    shutil.rmtree(download)


def compiler_works() -> bool:
    """Whether there is a C compiler with the headers of libc and zlib; preprocesses both to see."""
    argv = ["gcc", "-E", "-include", "stdlib.h", "-include", "zlib.h", "-x", "c", os.devnull, "-o", os.devnull]
    try:
        return run(argv, timeout_seconds=60, check=False).exit_code == 0
    except CommandError:
        return False  # there is no gcc


def _with_fresh_lists(argv: list[str], cwd: Path | None) -> Completed:
    try:
        return _apt(argv, cwd)
    except CommandFailed:
        # The lists are missing or stale, or dpkg was interrupted: repair both, once.
        if os.geteuid() != 0:
            raise
        run(["dpkg", "--configure", "-a"], timeout_seconds=APT_SECONDS, env=_ENVIRONMENT)
        _apt(["apt-get", *_OPTIONS, "update"], None)
        return _apt(argv, cwd)


def _apt(argv: list[str], cwd: Path | None) -> Completed:
    return run(argv, timeout_seconds=APT_SECONDS, env=_ENVIRONMENT, cwd=cwd, trusted=True)
