from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.lab_container.engine import Engine
from infra.lab_container.session import Session

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
    ("system", "uid", "owner"), [("Linux", 1000, "1000:100"), ("Linux", 0, None), ("Darwin", 501, None)]
)
def test_new_files_are_given_to_a_user_who_is_not_root_and_on_a_mac_belong_to_them_already(
    monkeypatch: pytest.MonkeyPatch, system: str, uid: int, owner: str | None
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "getgid", lambda: 100)
    words = SESSION.running(["bash"], terminal=False, environment={})
    assert [word for word in words if "OWNER" in word] == ([f"SOCIOMETER_LAB_OWNER={owner}"] if owner else [])
