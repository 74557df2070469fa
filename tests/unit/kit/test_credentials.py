from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit import child, credentials
from kit.command import run
from kit.errors import LabError

OPENS = {
    "AWS_ACCESS_KEY_ID": "AKIA-not-so-secret",
    "AWS_SESSION_TOKEN": "not-so-secret",
    "PULUMI_CONFIG_PASSPHRASE": "not-so-secret",
    "GITHUB_TOKEN": "not-so-secret",
    "db_password": "not-so-secret",
    "PGPASSWORD": "not-so-secret",
    "https_proxy": "http://me:not-so-secret@proxy.example:3128",
    "GOPROXY": "https://me:not-so-secret@goproxy.example,direct",
}
HARMLESS = {
    "AWS_REGION": "eu-west-2",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token",
    "TOKENIZERS": "none",
    "NO_PROXY": "localhost",
    "KEYBOARD": "de",
}
SAY = "import os; print(*sorted(os.environ))"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**OPENS, **HARMLESS}.items():
        monkeypatch.setenv(name, value)


def test_what_opens_something_is_known_by_its_name_or_by_a_login_in_its_value() -> None:
    left = credentials.environment_without()
    assert not OPENS.keys() & left.keys()
    assert left.items() >= HARMLESS.items()


def test_what_stays_on_this_machine_gets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"HTTP_PROXY", "https_proxy", "ALL_PROXY"}
    for name in names:
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert not names & credentials.environment_without().keys()


def test_a_program_gets_no_credentials_unless_it_is_trusted_with_them() -> None:
    words = [sys.executable, "-c", SAY]
    assert not OPENS.keys() & set(run(words, timeout_seconds=30).stdout.split())
    assert not OPENS.keys() & set(run(words, timeout_seconds=30, env={"MORE": "1"}).stdout.split())
    assert OPENS.keys() <= set(run(words, timeout_seconds=30, trusted=True).stdout.split())


def test_what_runs_beside_us_gets_no_credentials() -> None:
    with child.start([sys.executable, "-c", SAY], stdout=subprocess.PIPE) as process:
        assert not OPENS.keys() & set(process.communicate()[0].decode().split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("proxy http://me:pass@host:1 refused", "proxy http://***@host:1 refused"),
        ("https://token@host/a and https://other:p%40@host/b", "https://***@host/a and https://***@host/b"),
        ("oci://layout@sha256:00", "oci://layout@sha256:00"),
        ("http://host/a@b", "http://host/a@b"),
        ("key AKIA-not-so-secret", "key ***"),
        ("eu-west-2 in /run/token", "eu-west-2 in /run/token"),
    ],
)
def test_texts_show_no_login_and_no_value_that_opens_something(text: str, shown: str) -> None:
    assert credentials.hidden(text) == shown
    assert str(LabError(text)) == shown


@pytest.mark.parametrize("text", ["x" * 1_000_000, "a://" * 250_000, "a://" + "x" * 1_000_000, "a-b+c." * 200_000])
def test_a_long_word_is_looked_through_once(text: str) -> None:
    began = time.process_time()
    assert credentials.hidden(text) == text
    assert time.process_time() - began < 1


def test_a_short_value_is_no_reason_to_cut_words_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "dev")
    assert credentials.hidden("stack dev") == "stack dev"


@pytest.mark.slow
@pytest.mark.parametrize("debug", ["0", "1"])
@pytest.mark.parametrize("error", ["kit.errors.LabError", "OSError", "ValueError"])
def test_no_error_of_a_command_shows_a_credential_not_even_in_its_traceback(error: str, debug: str) -> None:
    code = f"""
import kit.errors
from sociometer.cli.entry import ended
def command():
    try:
        raise ValueError("http://me:not-so-secret@proxy.example")
    except ValueError as error:
        raise {error}("the key is not-so-secret") from error
ended(command)
"""
    environment = {**os.environ, "SOCIOMETER_DEBUG": debug}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the key is ***" in done.stderr and "not-so-secret" not in done.stdout + done.stderr.replace(code, "")
    assert ("Traceback" in done.stderr) == (debug == "1" or error == "ValueError")


@pytest.mark.parametrize(("umask", "mode"), [(0, 0o644), (0o022, 0o644), (0o077, 0o600)])
def test_no_command_makes_what_others_can_write_and_a_stricter_umask_counts(
    umask: int, mode: int, tmp_path: Path
) -> None:
    code = """
from pathlib import Path
import sys
from kit.files import write
from sociometer.cli.entry import ended
def command():
    folder = Path(sys.argv[1]) / "folder"
    folder.mkdir()
    write(folder / "file", "text")
ended(command)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], umask=umask, check=True)
    assert (tmp_path / "folder/file").stat().st_mode & 0o777 == mode
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~(umask | 0o022)
