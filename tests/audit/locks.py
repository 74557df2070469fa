"""Whether everything that is downloaded is named with the digest of its content; what is not, one line each."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WEAKENING = re.compile(
    r"GONOSUMDB|GONOSUMCHECK|GOINSECURE|GOPRIVATE|GOSUMDB\s*=\s*\S*off|GOFLAGS\S*\s*[:=].*-mod=mod"
    r"|--trusted-host|--allow-insecure-host|UV_INSECURE_HOST|--no-verify-hashes|strict-ssl\s*=?\s*false"
)
"""Settings that let a download be something else than what was pinned."""
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?==[^\s;\\]+")


def in_uv_lock(path: Path) -> Iterator[str]:
    """Packages of a `uv.lock` that come from elsewhere and have a file without a digest, or no file."""
    for package in tomllib.loads(path.read_text())["package"]:
        if package["source"].keys() & {"editable", "virtual"}:
            continue
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        if not files or not all(file.get("hash", "").startswith("sha256:") for file in files):
            yield f"{path}: {package['name']} {package['version']} has no digest"


def in_requirements(path: Path) -> Iterator[str]:
    """Requirements of a file for pip that are not one version each with a digest."""
    for line in path.read_text().replace("\\\n", " ").splitlines():
        wanted = line.partition(" #")[0].strip()
        if wanted and not wanted.startswith("#") and not (_REQUIREMENT.match(wanted) and "--hash=sha256:" in wanted):
            yield f"{path}: {wanted} has no digest"


def in_npm_lock(path: Path) -> Iterator[str]:
    """Packages of a `package-lock.json` that are fetched without a digest."""
    packages: dict[str, dict[str, Any]] = json.loads(path.read_text())["packages"]
    for name, package in packages.items():
        if name and not package.get("link") and not str(package.get("integrity", "")).startswith("sha512-"):
            yield f"{path}: {name} has no digest"


def in_go_sum(folder: Path) -> Iterator[str]:
    """Modules of the programs that a `go.mod` names as tools, as replaced, whose content its `go.sum` does not give. Go
    takes no content, of these and of what they need, that it has no digest for.
    """
    known = set(re.findall(r"^(\S+) (v\S+) h1:", (folder / "go.sum").read_text(), re.MULTILINE))
    text = (folder / "go.mod").read_text()
    required = dict(re.findall(r"^\s*(?:require )?(\S+\.\S+) (v[^\s/]+)(?: //.*)?$", text, re.MULTILINE))
    replaced = {
        match[1]: (match[2], match[3])
        for match in re.finditer(r"^\s*(?:replace )?(\S+)(?: v\S+)? => (\S+) (v\S+)$", text, re.MULTILINE)
    }
    for program in re.findall(r"^(?:tool |\t)([^\s()]+)$", text, re.MULTILINE):
        module = max((name for name in required if f"{program}/".startswith(f"{name}/")), key=len)
        meant = replaced.get(module, (module, required[module]))
        if meant not in known:
            yield f"{folder / 'go.sum'}: {' '.join(meant)} has no digest"


def weakened(path: Path) -> Iterator[str]:
    """Lines that switch a check of downloads off."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        if found := WEAKENING.search(line):
            yield f"{path}:{number}: {found[0]}"
