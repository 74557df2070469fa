"""The licence of everything that runs with Sociometer, as docs/licences.md lists it; `python -m tests.audit.licences`.

A licence that is refused, or that nobody can name, is an error: the list is not written.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageMetadata, distribution, metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.environments import ROOT

PAGE = ROOT / "docs" / "licences.md"
PROJECT = "sociometer"
SPELLINGS = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
    "ISC License": "ISC",
}
"""Words that packages write instead of an SPDX identifier. "BSD License" alone stands for the three clauses of the
packages that write it so; those of two clauses say it."""
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "PSF-2.0", "Zlib"),
}
"""May be used beside Apache-2.0 code without conditions on that. MPL-2.0 asks for changes to its own files alone."""
REFUSED = ("AGPL", "GPL", "SSPL", "BUSL", "Elastic", "Commons-Clause")
"""Begin the names of licences that reach into what is combined with them, or forbid a use."""
PROGRAMS = {
    "runc": "Apache-2.0",
    "fuse3": "GPL-2.0-only AND LGPL-2.1-only",
    "iproute2": "GPL-2.0-or-later",
    "mmdebstrap": "MIT",
    "docker-registry": "Apache-2.0",
    "go": "BSD-3-Clause",
    "regctl": "Apache-2.0",
    "toxiproxy": "MIT",
    "soci": "Apache-2.0",
    "containerd": "Apache-2.0",
    "buildkit": "Apache-2.0",
    "pulumi": "Apache-2.0",
}
"""Of each tool's own source. They run as processes of their own, and are not part of what Sociometer distributes."""


class LicenceError(Exception):
    """A package has a licence that is refused, or none that can be named."""


def packages() -> dict[str, str]:
    """The licence of each Python package that runs with Sociometer, by name; raises `LicenceError`."""
    found = {name: licence(metadata(name)) for name in sorted(_running()) if name != PROJECT}
    if wrong := {name: text for name, text in found.items() if not allowed(text)}:
        raise LicenceError("\n".join(f"{name}: {_complaint(text)}" for name, text in wrong.items()))
    return found


def licence(package: PackageMetadata) -> str:
    """As an SPDX expression where it can be told; a package that says two things is taken by the more exact one."""
    if expression := package.get("License-Expression"):
        return expression
    said = (package.get("License") or "").strip()
    short = SPELLINGS.get(said, said)
    if short in ALLOWED:
        return short
    classifiers = [text.rpartition(" :: ")[2] for text in package.get_all("Classifier") or () if "License ::" in text]
    return " OR ".join(sorted({SPELLINGS.get(text, text) for text in classifiers})) or short.partition("\n")[0]


def allowed(expression: str) -> bool:
    """Whether every licence that is asked for at once is allowed, or one of those that may be chosen from."""
    choices = re.split(r"\s+OR\s+", expression.strip("() "))
    return any(all(part.strip("() ") in ALLOWED for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


def page() -> str:
    """The text of docs/licences.md; raises `LicenceError`."""
    python = "\n".join(f"| {name} | {text} |" for name, text in packages().items())
    programs = "\n".join(f"| {name} | {text} |" for name, text in sorted(PROGRAMS.items()))
    return _PAGE.format(
        python=python, programs=programs, allowed=", ".join(sorted(ALLOWED)), refused=", ".join(REFUSED)
    )


def main() -> None:
    """Write the page, or with `--check` say whether it is up to date."""
    try:
        text = page()
    except LicenceError as error:
        sys.exit(f"error: {error}")
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        sys.exit(f"error: {PAGE.relative_to(ROOT)} is not up to date. `make locks` writes it.")


def _running() -> set[str]:
    """The names of the project and all that it needs on this platform, by the metadata of what is installed."""
    waiting, seen = [(PROJECT, frozenset[str]())], set[tuple[str, frozenset[str]]]()
    while waiting:
        entry = waiting.pop()
        if entry in seen:
            continue
        seen.add(entry)
        for needed in map(Requirement, distribution(entry[0]).requires or ()):
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *entry[1])):
                waiting.append((canonicalize_name(needed.name), frozenset(needed.extras)))
    return {name for name, _ in seen}


def _complaint(text: str) -> str:
    """Why a licence is not taken."""
    if any(re.search(rf"\b{name}", text) for name in REFUSED):
        return f"its licence, {text}, is refused"
    return f"its licence, {text or 'of which it says nothing'}, is not known here"


_PAGE = """# Licences

Sociometer is under Apache-2.0. This page is written by `make locks`, and a test compares it with what is installed.

Taken: {allowed}. Refused, with whatever begins like it: {refused}. Any other is refused until somebody has read it.

## Python packages that run with it

On Linux; packages for development and tests are not listed.

| Package | Licence |
|---|---|
{python}

## Programs that it starts

Built or installed on the user's machine by `sociometer tools install`, and not distributed with Sociometer. They run
as processes of their own, so those of the GPL are no part of it.

| Program | Licence |
|---|---|
{programs}
"""

if __name__ == "__main__":
    main()
