from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import ClassVar

import pytest

from infra.oci import names
from infra.sources import daemon, own
from infra.sources.weight import Weight, weigh
from kit.errors import ImageError, MachineError
from tests.support.background import answering

ID = "sha256:" + "ab" * 32
IMAGE = json.dumps({"Id": ID, "Os": "linux", "Architecture": "amd64", "RepoTags": ["web:dev"]}).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers from a table of paths; a length larger than the body breaks off."""

    answers: ClassVar[dict[str, tuple[int, bytes, int]]] = {}

    def do_GET(self) -> None:
        status, body, more = self.answers.get(self.path, (404, b'{"message":"No such image"}', 0))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + more))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read no log."""


class Server(ThreadingMixIn, UnixStreamServer):
    """The daemon's side."""


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[int, bytes, int]]]:
    monkeypatch.setattr(Handler, "answers", {})
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'docker.sock'}")
    with answering(Server(str(tmp_path / "docker.sock"), Handler)):
        yield Handler.answers


def asked(name: str, what: str = "json") -> str:
    return f"/v1.41/images/{name}/{what}"


Answers = dict[str, tuple[int, bytes, int]]


def test_the_daemon_says_which_image_a_name_means(answers: Answers) -> None:
    answers[asked("localhost:5000/team/web:dev")] = (200, IMAGE, 0)
    found = daemon.inspect("localhost:5000/team/web:dev")
    assert found is not None
    assert (found.id, found.config.os, found.config.architecture) == (ID, "linux", "amd64")
    assert daemon.inspect("web:other") is None


def test_an_image_of_the_daemon_is_resolved_to_its_id(answers: Answers) -> None:
    answers[asked("web:dev")] = (200, IMAGE, 0)
    name = names.parse("docker-daemon:web:dev")
    assert own.resolve(name, "linux/amd64").digest == ID
    with pytest.raises(ImageError, match=r"docker-daemon:web:dev is for linux/amd64, not for linux/arm64"):
        own.resolve(name, "linux/arm64")


def test_an_image_of_the_daemon_weighs_about_what_the_daemon_says(answers: Answers) -> None:
    answers[asked("web:dev")] = (200, json.dumps({**json.loads(IMAGE), "Size": 5000}).encode(), 0)
    name = names.parse("docker-daemon:web:dev")
    assert weigh(name, "linux/amd64") == Weight("docker-daemon:web:dev", ID, 5000, exact=False)
    answers[asked("web:dev")] = (200, IMAGE, 0)
    with pytest.raises(ImageError, match="does not say how large web:dev is"):
        weigh(name, "linux/amd64")


def test_an_image_that_the_daemon_does_not_have_is_named(answers: Answers) -> None:
    with pytest.raises(ImageError, match=r"The local daemon has no image web:dev\. `docker images` lists"):
        own.resolve(names.parse("docker-daemon:web:dev"), "linux/amd64")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"Id": "abc"}', b"{}"])
def test_an_answer_of_another_shape_is_one_clear_line(answers: Answers, body: bytes) -> None:
    answers[asked("web:dev")] = (200, body, 0)
    with pytest.raises(ImageError, match="nobody can read") as refused:
        daemon.inspect("web:dev")
    assert "\n" not in str(refused.value)


def test_a_daemon_in_trouble_is_quoted(answers: Answers, tmp_path: Path) -> None:
    answers[asked("web:dev")] = answers[asked(ID, "get")] = (500, b'{"message":"disk is full"}', 0)
    with pytest.raises(ImageError, match=r"answered 500: .*disk is full"):
        daemon.inspect("web:dev")
    with pytest.raises(ImageError, match=r"answered 500: .*disk is full"):
        daemon.save(ID, tmp_path / "saved.tar")


def test_an_archive_is_written_as_it_comes(answers: Answers, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    answers[asked(ID, "get")] = (200, content, 0)
    daemon.save(ID, tmp_path / "saved.tar")
    assert (tmp_path / "saved.tar").read_bytes() == content


def test_an_archive_that_breaks_off_is_an_error(answers: Answers, tmp_path: Path) -> None:
    answers[asked(ID, "get")] = (200, b"x" * 1000, 500)
    with pytest.raises(MachineError, match="does not answer"):
        daemon.save(ID, tmp_path / "saved.tar")


def test_nobody_behind_the_socket_is_an_error_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "none.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(MachineError, match=f"There is no daemon at {path}"):
        daemon.inspect("web:dev")


def test_a_daemon_of_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2375")
    with pytest.raises(MachineError, match=r"DOCKER_HOST is tcp://build\.example:2375"):
        daemon.inspect("web:dev")


def test_podmans_socket_of_the_user_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(daemon, "DOCKER_SOCKET", str(tmp_path / "none.sock"))
    (tmp_path / "podman").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "podman/podman.sock"))
        assert daemon.socket_path() == tmp_path / "podman/podman.sock"
