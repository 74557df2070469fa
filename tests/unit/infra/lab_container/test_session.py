from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from infra.lab_container.engine import Engine
from infra.lab_container.session import Session, owner_of_new_files

SESSION = Session(Engine("docker", "docker"), "lab:1", Path("/home/me/it"), "host", name="one")


def test_the_container_is_privileged_removed_at_its_end_and_sees_the_folder_and_the_volume() -> None:
    words = SESSION.running(["sociometer", "doctor"], terminal=False, environment={})
    assert words[:7] == ["docker", "run", "--rm", "--name", "one", "--privileged", "--interactive"]
    assert [words[place + 1] for place, word in enumerate(words) if word == "--volume"] == [
        "sociometer-lab:/var/lib/sociometer",
        "/home/me/it:/work",
    ]
    assert words[-5:] == ["--network", "host", "lab:1", "sociometer", "doctor"]
    assert "--tty" not in words
    assert "--tty" in SESSION.running(["bash"], terminal=True, environment={})


def test_variables_are_handed_down_by_name_and_no_other_is() -> None:
    environment = {"HTTPS_PROXY": "http://me:secret@proxy", "AWS_SECRET_ACCESS_KEY": "no", "SOCIOMETER_DEBUG": "1"}
    words = SESSION.running(["bash"], terminal=False, environment=environment)
    given = [words[place + 1] for place, word in enumerate(words) if word == "--env"]
    assert [name for name in given if "=" not in name] == ["SOCIOMETER_DEBUG", "HTTPS_PROXY"]
    assert not any("secret" in word or "AWS" in word for word in words)


@pytest.mark.parametrize(
    ("system", "engine", "uid", "owner"),
    [
        ("Linux", "Debian GNU/Linux 12", 1000, "1000:100"),
        ("Linux", "Debian GNU/Linux 12", 0, None),
        ("Linux", "Docker Desktop", 1000, None),
        ("Darwin", "Docker Desktop", 501, None),
        ("Darwin", "Ubuntu 24.04", 501, None),
    ],
)
def test_new_files_are_given_to_a_user_who_is_not_root_where_they_would_be_roots(
    monkeypatch: pytest.MonkeyPatch, system: str, engine: str, uid: int, owner: str | None
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "getgid", lambda: 100)
    assert owner_of_new_files(engine) == owner


def test_the_container_is_told_of_the_owner_only_if_there_is_one() -> None:
    words = replace(SESSION, owner="1000:100").running(["bash"], terminal=False, environment={})
    assert "SOCIOMETER_LAB_OWNER=1000:100" in words
    assert not any("OWNER" in word for word in SESSION.running(["bash"], terminal=False, environment={}))
