"""What a tool is made of where no release is downloaded: Go modules, a wheel, or a package of the distribution."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GoModule:
    """A folder whose go.mod lists the commands to build as its tools.

    ``pinned`` is the module whose version counts, ``stamp`` the variable that holds the version in the program,
    ``renames`` pairs of built and installed name, ``copies`` pairs of a module and a script inside it.
    """

    folder: Path
    pinned: str
    stamp: str | None = None
    tags: tuple[str, ...] = ()
    cgo: bool = False
    renames: tuple[tuple[str, str], ...] = ()
    copies: tuple[tuple[str, str], ...] = ()

    @property
    def version(self) -> str:
        """The pinned version without its ``v``, as go.mod has it."""
        return module_version((self.folder / "go.mod").read_text(), self.pinned)


@dataclass(frozen=True)
class GoModules:
    """Built with Go; ``packages`` are the Debian packages that the build needs (a C compiler, headers)."""

    modules: tuple[GoModule, ...]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wheel:
    """Unpacked from a wheel on PyPI; ``programs`` are paths inside it."""

    requirements: Path
    programs: tuple[str, ...]


@dataclass(frozen=True)
class DebianPackage:
    """Installed from the distribution, or, when ``extract`` names programs, only unpacked for these.

    Extracting is for packages whose installation would start a service.
    """

    package: str
    extract: tuple[str, ...] = ()


Source = GoModules | Wheel | DebianPackage


def version_of(source: Source) -> str:
    """The version that would be made; ``debian`` where the distribution decides."""
    match source:
        case GoModules(modules=modules):
            return modules[0].version
        case Wheel(requirements=requirements):
            return requirement_version(requirements.read_text())
        case DebianPackage():
            return "debian"


def ingredients(source: Source) -> list[bytes]:
    """Everything that decides what is made."""
    match source:
        case GoModules(modules=modules):
            return [part for module in modules for part in _module_ingredients(module)]
        case Wheel(requirements=requirements, programs=programs):
            return [requirements.read_bytes(), repr(programs).encode()]
        case DebianPackage():
            return [repr(source).encode()]


def _module_ingredients(module: GoModule) -> list[bytes]:
    flags = (module.stamp, module.tags, module.cgo, module.renames, module.copies)
    return [(module.folder / name).read_bytes() for name in ("go.mod", "go.sum")] + [repr(flags).encode()]


def module_version(go_mod: str, module: str) -> str:
    """The version of ``module`` that a go.mod text asks for, with its ``replace`` applied; without the ``v``."""
    name = re.escape(module)
    replaced = re.search(rf"^\s*(?:replace )?{name}(?: \S+)? => \S+ v(\S+)", go_mod, re.MULTILINE)
    required = re.search(rf"^\s*(?:require )?{name} v(\S+)", go_mod, re.MULTILINE)
    match = replaced or required
    if match is None:
        raise ValueError(f"go.mod does not require {module}")
    return match.group(1)


def requirement_version(requirements: str) -> str:
    """The version of the one package that a requirements file pins."""
    match = re.search(r"^[\w.-]+==([\w.]+)", requirements, re.MULTILINE)
    if match is None:
        raise ValueError("the requirements file pins no version")
    return match.group(1)
