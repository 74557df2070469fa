"""A Go module of a few lines that stands in for a pinned tool: built by the real installer in about a second."""

from __future__ import annotations

from pathlib import Path

from kit.toolchain.pins import Tool
from kit.toolchain.source import GoModule, GoModules

VERSION = "1.2.3"


def write(folder: Path) -> Tool:
    """Write the module below ``folder`` and return the tool that it builds, ``tiny``."""
    command = folder / "dependency" / "cmd" / "small"
    version = folder / "dependency" / "version"
    command.mkdir(parents=True, exist_ok=True)
    version.mkdir(exist_ok=True)
    (folder / "dependency" / "go.mod").write_text("module example.com/small\n\ngo 1.26\n")
    (version / "version.go").write_text('package version\n\nvar Version = "unknown"\n')
    (command / "main.go").write_text(
        'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/small/version"\n)\n\n'
        'func main() { fmt.Println("small", version.Version) }\n'
    )
    (folder / "go.mod").write_text(
        "module example.com/pins\n\ngo 1.26\n\nreplace example.com/small => ./dependency\n\n"
        f"tool example.com/small/cmd/small\n\nrequire example.com/small v{VERSION}\n"
    )
    (folder / "go.sum").write_text("")
    return of(folder)


def of(folder: Path) -> Tool:
    """The tool of a module that is there: another process may read it at the same time."""
    module = GoModule(
        folder,
        "example.com/small",
        stamp="example.com/small/version.Version",
        renames=(("small", "tiny"),),
        copies=(("example.com/small", "version/version.go"),),
    )
    return Tool("tiny", ("tiny", "version.go"), ("tiny",), (1, 2), GoModules((module,)))
