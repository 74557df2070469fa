"""`make audit`: every check with its verdict. Exit code 1 when something was found, 3 when not all was checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from kit.errors import SociometerError
from tests.audit import scanners
from tests.audit.licences import PAGE, LicenceError, page
from tests.audit.scanners import Result, Verdict

FOUND_EXIT, UNCHECKED_EXIT = 1, 3


def audit(checks: Mapping[str, Callable[[], Result]]) -> int:
    """Run each check and say its verdict; gives the exit code."""
    results = {}
    for name, check in checks.items():
        try:
            results[name] = check()
        except SociometerError as error:
            results[name] = Result.unchecked(str(error))
        _tell(name, results[name])
    unchecked = [name for name, result in results.items() if result.verdict is Verdict.UNCHECKED]
    found = [name for name, result in results.items() if result.verdict is Verdict.FOUND]
    if unchecked:
        print(f"\n{len(unchecked)} of {len(results)} checks were NOT MADE. Nothing is known of what they look for.")
    if found:
        return FOUND_EXIT
    return UNCHECKED_EXIT if unchecked else 0


def licences() -> Result:
    """Whether every licence is known and allowed, and the list of them true."""
    try:
        return Result.of([] if PAGE.read_text() == page() else [f"{PAGE.name} is not up to date: `make locks`"])
    except LicenceError as error:
        return Result.of(str(error).splitlines())


def _tell(name: str, result: Result) -> None:
    print(f"{result.verdict.value:<12} {name}", flush=True)
    for line in result.details:
        print(f"{'':<12}   {line}", flush=True)


if __name__ == "__main__":
    sys.exit(audit({"licences": licences, **scanners.CHECKS}))
