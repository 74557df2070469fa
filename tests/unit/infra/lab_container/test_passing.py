from __future__ import annotations

from pathlib import Path

import pytest

from infra.lab_container.engine import Engine, LocalImage
from infra.lab_container.passing import Passed, replaced, send
from infra.lab_container.session import Session
from kit.errors import CommandFailed, ImageError, SettingsError
from tests.support.fake_docker import FakeDocker, fake_docker

ID = "0123456789abcdef" * 4
SENT = "docker-archive:/var/lib/sociometer/sent/0123456789ab"


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("docker-daemon:web:dev", f"{SENT}/web.tar"),
        ("docker-daemon:my/app", f"{SENT}/app.tar"),
        ("app=docker-daemon:my/app:1", f"app={SENT}/app.tar"),
        ("--image=before=docker-daemon:localhost:5000/web:1", f"--image=before={SENT}/web.tar"),
        ("--image=docker-daemon:web", f"--image={SENT}/web.tar"),
        (f"docker-daemon:sha256:{ID}", f"{SENT}/{ID}.tar"),
        ("docker-archive:web.tar", "docker-archive:web.tar"),
        ("registry.example/web:1", "registry.example/web:1"),
        ("log:docker-daemon:", "log:docker-daemon:"),
    ],
)
def test_an_image_of_the_daemon_becomes_its_archive_wherever_a_word_names_it(word: str, wanted: str) -> None:
    assert replaced([word], lambda _name: LocalImage(ID, 1))[0] == [wanted]


def test_the_daemon_is_asked_once_for_each_image() -> None:
    asked: list[str] = []

    def find(name: str) -> LocalImage:
        asked.append(name)
        return LocalImage(ID, 1)

    words, images = replaced(["run", "a=docker-daemon:web:1", "b=docker-daemon:web:1"], find)
    assert (words[0], asked, len(images)) == ("run", ["web:1"], 1)


def test_an_image_that_is_not_there_and_a_name_that_is_none_are_refused() -> None:
    with pytest.raises(ImageError, match=r"The local daemon has no image web:dev. `docker images` lists"):
        replaced(["docker-daemon:web:dev"], lambda _name: None)
    with pytest.raises(SettingsError, match="is not a repository's name"):
        replaced(["docker-daemon:Web dev"], lambda _name: None)


@pytest.fixture
def docker(tmp_path: Path) -> FakeDocker:
    return fake_docker(tmp_path)


def sent(docker: FakeDocker) -> None:
    engine = Engine("docker", str(docker.folder / "docker"))
    passed = Passed("web:dev", LocalImage(ID, 10), "/var/lib/sociometer/sent/1/web.tar")
    send(engine, passed, Session(engine, "lab:1", Path("/")), lambda _line: None)


def test_what_the_daemon_saves_is_what_the_container_gets(docker: FakeDocker) -> None:
    sent(docker)
    assert (docker.folder / "received").read_bytes() == b"an archive"
    assert docker.calls("save") == [["save", ID]]
    [receiving] = docker.calls("run")
    assert receiving[-3:] == ["lab:1", "receive", "/var/lib/sociometer/sent/1/web.tar"]
    assert receiving[receiving.index("--network") + 1] == "none"
    assert "--privileged" not in receiving


@pytest.mark.parametrize("failing", ["save", "receive"])
def test_a_transfer_that_fails_on_either_side_is_an_error(docker: FakeDocker, failing: str) -> None:
    docker.will(**{failing: 5})
    with pytest.raises(CommandFailed, match="The image web:dev could not be sent to the lab: docker ended with exit "):
        sent(docker)
