"""What other programs find: known vulnerabilities, and faults of the workflow. Where a database cannot be had, nothing
was checked, which is not the same as nothing found.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from kit.command import Completed, run
from kit.files import made_once
from kit.paths import asset, cache_dir
from kit.scratch import temporary_folder
from kit.toolchain.toolbox import tool
from tests.support.environments import ROOT, python_of

PROJECT = ROOT / "tests" / "audit"
SECONDS = 300.0
VULNERABLE = 3
"""What govulncheck ends with when it finds something; 1 is that it could not look."""


class Verdict(Enum):
    """What became of a check."""

    CLEAN = "clean"
    FOUND = "FOUND"
    UNCHECKED = "NOT CHECKED"


@dataclass(frozen=True)
class Result:
    """A check's verdict, with what was found, or why nothing could be checked."""

    verdict: Verdict
    details: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Iterator[str] | list[str]) -> Result:
        """Clean if nothing was found."""
        details = tuple(found)
        return cls(Verdict.FOUND if details else Verdict.CLEAN, details)

    @classmethod
    def unchecked(cls, reason: str) -> Result:
        """Nothing was looked at."""
        return cls(Verdict.UNCHECKED, (reason,))


def python_vulnerabilities() -> Result:
    """What PyPI's database knows of the locked packages, those for development too."""
    with temporary_folder("sociometer-audit-") as folder:
        wanted, answer = folder / "requirements.txt", folder / "answer.json"
        uv = run(["sh", asset("tools") / "uv.sh"], timeout_seconds=SECONDS, trusted=True).stdout.strip()
        words = ("export", "--locked", "--quiet", "--all-groups", "--no-emit-project", "--output-file", str(wanted))
        run([uv, *words], cwd=ROOT, timeout_seconds=SECONDS, trusted=True)
        scan = ("-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off")
        places = ("--requirement", str(wanted), "--format", "json", "--output", str(answer))
        done = run([python_of(PROJECT), *scan, *places], timeout_seconds=SECONDS, check=False, trusted=True)
        return read_pip_audit(answer.read_text() if answer.is_file() else "", done)


def read_pip_audit(answer: str, done: Completed) -> Result:
    """pip-audit's JSON. It ends well when it could ask about no package, and says so in each one's entry alone."""
    if not answer:
        return Result.unchecked(_last_line(done))
    packages = json.loads(answer)["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    if found:
        return Result.of(found)
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped or not packages:
        return Result.unchecked(f"the database did not answer for {len(skipped)} of {len(packages)} packages")
    return Result(Verdict.CLEAN)


def go_vulnerabilities(folder: Path) -> Result:
    """What Go's database knows of the functions that the programs in a folder call."""
    return read_govulncheck(_govulncheck("-C", str(folder), "./..."))


def tool_vulnerabilities(program: str) -> Result:
    """What Go's database knows of the modules in a tool as it is built here."""
    return read_govulncheck(_govulncheck("-mode", "binary", str(tool(program))))


def read_govulncheck(done: Completed) -> Result:
    """govulncheck's exit code and text."""
    if done.exit_code == VULNERABLE:
        return Result.of([line for line in done.stdout.splitlines() if line.startswith(("Vulnerability #", "Your "))])
    return Result(Verdict.CLEAN) if done.exit_code == 0 else Result.unchecked(_last_line(done))


def workflows() -> Result:
    """What zizmor finds in the workflows of continuous integration, without asking anybody."""
    words = ("--offline", "--quiet", "--format", "plain", str(ROOT / ".github" / "workflows"))
    done = run([python_of(PROJECT).with_name("zizmor"), *words], timeout_seconds=SECONDS, check=False)
    return Result.of([line for line in done.stdout.splitlines() if line.startswith(("error[", "warning[", "help["))])


def unsafe_code() -> Result:
    """What ruff's rules of bandit (S) and for texts that read otherwise than they look (PLE2502) find, as the project's
    configuration has them. ruff and not bandit: it has all of bandit's rules but those for two libraries that are not
    used here, each exception is explained where it is made, and `make lint` applies them to every change.
    """
    words = ("-m", "ruff", "check", "--quiet", "--output-format", "concise", "--no-cache", str(ROOT))
    done = run([sys.executable, *words], timeout_seconds=SECONDS, check=False)
    return Result.of(done.stdout.splitlines())


def _govulncheck(*words: str) -> Completed:
    key = (PROJECT / "govulncheck" / "go.sum").read_text().partition(" h1:")[2][:12].replace("/", "-")
    place = made_once(cache_dir() / "tests" / f"govulncheck-{key}", _build)
    environment = {"GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "PATH": _with_go()}
    return run([place / "govulncheck", *words], env=environment, timeout_seconds=SECONDS, check=False, trusted=True)


def _build(folder: Path) -> None:
    environment = {"GOFLAGS": "-buildvcs=false -mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    words = ("build", "-o", str(folder / "govulncheck"), "golang.org/x/vuln/cmd/govulncheck")
    run([tool("go"), *words], cwd=PROJECT / "govulncheck", env=environment, timeout_seconds=SECONDS, trusted=True)


def _with_go() -> str:
    return f"{tool('go').parent}{os.pathsep}{os.environ.get('PATH', '')}"


def _last_line(done: Completed) -> str:
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.exit_code}"


GO_PROGRAMS = ("images/hasher", "images/probe")
GO_TOOLS = ("pulumi", "containerd", "soci", "buildkitd", "regctl", "toxiproxy-server")
CHECKS: dict[str, Callable[[], Result]] = {
    "unsafe code (ruff S)": unsafe_code,
    "workflow (zizmor)": workflows,
    "vulnerabilities of Python packages (pip-audit)": python_vulnerabilities,
    **{f"vulnerabilities of {name} (govulncheck)": partial(go_vulnerabilities, ROOT / name) for name in GO_PROGRAMS},
    **{f"vulnerabilities of {name} (govulncheck)": partial(tool_vulnerabilities, name) for name in GO_TOOLS},
}
