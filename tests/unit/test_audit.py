"""The audit tells apart what was found, what is clean, and what nobody could look at."""

from __future__ import annotations

import json

import pytest

from kit.command import Completed
from kit.errors import CommandNotFound
from tests.audit.__main__ import FOUND_EXIT, UNCHECKED_EXIT, audit
from tests.audit.scanners import CHECKS, Result, Verdict, read_govulncheck, read_pip_audit


def done(exit_code: int, stdout: str = "", stderr: str = "") -> Completed:
    return Completed(("scanner",), exit_code, stdout, stderr, 0.0)


def answer(*packages: dict[str, object]) -> str:
    """As pip-audit 2.10 writes it."""
    return json.dumps({"dependencies": packages, "fixes": []})


FINE = {"name": "boto3", "version": "1.44.8", "vulns": []}
SKIPPED = {"name": "six", "skip_reason": "Dependency not found on PyPI and could not be audited: six (1.17.0)"}
FAULT = {"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": "…"}
BAD = {"name": "jinja2", "version": "2.0", "vulns": [FAULT]}


@pytest.mark.parametrize(
    ("text", "exit_code", "verdict"),
    [
        (answer(FINE), 0, Verdict.CLEAN),
        (answer(FINE, BAD), 1, Verdict.FOUND),
        (answer(SKIPPED, BAD), 1, Verdict.FOUND),
        (answer(FINE, SKIPPED), 0, Verdict.UNCHECKED),
        (answer(), 0, Verdict.UNCHECKED),
        ("", 1, Verdict.UNCHECKED),
    ],
    ids=["asked about all", "one is bad", "one is bad, one unknown", "one unknown", "asked about none", "no answer"],
)
def test_packages_that_the_database_was_not_asked_about_are_not_clean(
    text: str, exit_code: int, verdict: Verdict
) -> None:
    """pip-audit ends with 0 when it could ask about no package at all."""
    assert read_pip_audit(text, done(exit_code, stderr="no route to host")).verdict is verdict


def test_a_vulnerable_package_is_told_with_the_version_that_mends_it() -> None:
    assert read_pip_audit(answer(BAD), done(1)).details == ("jinja2 2.0: PYSEC-2026-1, mended in 2.1",)


@pytest.mark.parametrize(
    ("exit_code", "verdict"), [(0, Verdict.CLEAN), (3, Verdict.FOUND), (1, Verdict.UNCHECKED), (2, Verdict.UNCHECKED)]
)
def test_only_govulncheck_s_own_exit_codes_say_that_it_looked(exit_code: int, verdict: Verdict) -> None:
    said = done(exit_code, "Vulnerability #1: GO-2026-1\n", "no such host")
    assert read_govulncheck(said).verdict is verdict


def _clean() -> Result:
    return Result(Verdict.CLEAN)


def _found() -> Result:
    return Result.of(["a fault"])


def _missing() -> Result:
    raise CommandNotFound("scanner is not installed.")


@pytest.mark.parametrize(
    ("checks", "exit_code"),
    [
        ((_clean, _clean), 0),
        ((_clean, _missing), UNCHECKED_EXIT),
        ((_found, _clean), FOUND_EXIT),
        ((_found, _missing), FOUND_EXIT),
    ],
)
def test_what_could_not_be_checked_is_loud_and_no_success(
    checks: tuple[object, ...], exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {f"check {number}": check for number, check in enumerate(checks)}
    assert audit(named) == exit_code  # type: ignore[arg-type]
    assert (
        "NOT CHECKED  check 1\n               scanner is not installed.\n" in (said := capsys.readouterr().out)
    ) == (_missing in checks)
    assert ("1 of 2 checks were NOT MADE" in said) == (_missing in checks)


def test_every_go_program_that_is_built_here_is_looked_at() -> None:
    names = " ".join(CHECKS)
    assert all(program in names for program in ("images/hasher", "images/probe", "pulumi", "containerd", "buildkitd"))
