"""The distribution's packages: installed without questions, or only unpacked where installing would start a service.

Packages have Debian's names here; where another distribution calls one otherwise, `_NAMES` says how.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.command import Completed, run
from kit.errors import CommandError, CommandFailed, MachineError
from kit.toolchain.source import DebianPackage

MANAGER_SECONDS = 1200
"""Time limit of one call of a package manager, including the wait for another one's lock."""

_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_APT_OPTIONS = ("-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root")


@dataclass(frozen=True)
class Manager:
    """A package manager: how it installs, what mends it when that fails, and its names of Debian's packages.

    A name that is missing in ``names`` is the same; an empty one is not in the distribution.
    """

    program: str
    verb: str
    options: tuple[str, ...]
    mend: tuple[tuple[str, ...], ...] = ()
    names: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def called(self, packages: Sequence[str]) -> list[str]:
        """What the packages are called here, each once; those that the distribution does not have stay as they are."""
        return list(dict.fromkeys(name for each in packages for name in self.names.get(each, (each,)) or (each,)))

    def lacks(self, packages: Sequence[str]) -> list[str]:
        """Those of the packages that the distribution does not have."""
        return [each for each in packages if self.names.get(each) == ()]


APT = Manager(
    "apt-get",
    "install",
    (*_APT_OPTIONS, "--yes", "--no-install-recommends"),
    # The lists are missing or stale, or dpkg was interrupted.
    mend=(("dpkg", "--configure", "-a"), ("apt-get", *_APT_OPTIONS, "update")),
)
DNF = Manager(
    "dnf",
    "install",
    ("--assumeyes", "--setopt=install_weak_deps=False"),
    mend=(("dnf", "makecache", "--refresh"),),
    names={
        "iproute2": ("iproute", "iproute-tc"),
        "libc6-dev": ("glibc-devel",),
        "zlib1g-dev": ("zlib-devel",),
        "docker-registry": (),
    },
)
APK = Manager(
    "apk",
    "add",
    ("--no-cache",),
    names={"libc6-dev": ("musl-dev",), "zlib1g-dev": ("zlib-dev",), "mmdebstrap": (), "docker-registry": ()},
)
MANAGERS = (APT, DNF, APK)


def manager() -> Manager | None:
    """The package manager of this machine, if it is one that we know."""
    return next((each for each in MANAGERS if shutil.which(each.program)), None)


def require_able(packages: Sequence[str]) -> None:
    """Raise a `MachineError` that names the packages when this machine or user cannot install them."""
    if not packages:
        return
    found = manager()
    if found is None:
        raise MachineError(
            f"These packages are needed (Debian's names), but there is no apt-get, dnf or apk here: "
            f"{' '.join(packages)}. Install your distribution's equivalents, then try again."
        )
    if lacking := found.lacks(packages):
        raise MachineError(
            f"The packages of {found.program} have no {' and no '.join(lacking)}. Put the program on PATH, "
            "or install where releases can be downloaded."
        )
    if os.geteuid() != 0:
        command = " ".join([found.program, found.verb, *found.called(packages)])
        raise MachineError(f"Installing packages needs root. Run `sudo {command}`, then try again.")


def install(packages: Sequence[str]) -> None:
    """Install packages; mend the manager (fresh lists) only if that fails."""
    found = manager()
    if found is not None:
        _mended([found.program, found.verb, *found.options, *found.called(packages)], found, cwd=None)


def unpack(package: DebianPackage, into: Path) -> None:
    """Download a Debian package and put the programs it names into ``into/bin``; nothing is installed or started."""
    download = into / "download"
    download.mkdir()
    _mended(["apt-get", *_APT_OPTIONS, "download", package.package], APT, cwd=download)
    [archive] = download.glob("*.deb")
    run(["dpkg-deb", "--extract", archive, download / "root"], timeout_seconds=MANAGER_SECONDS)
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


def _mended(argv: list[str], used: Manager, cwd: Path | None) -> Completed:
    try:
        return _run(argv, cwd)
    except CommandFailed:
        if os.geteuid() != 0 or not used.mend:
            raise
        for words in used.mend:
            _run(list(words), None)
        return _run(argv, cwd)


def _run(argv: list[str], cwd: Path | None) -> Completed:
    return run(argv, timeout_seconds=MANAGER_SECONDS, env=_ENVIRONMENT, cwd=cwd, trusted=True)
