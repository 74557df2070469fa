"""ministack as a real AWS server on a free loopback port: dies with the test, runs no container, keeps nothing."""

from __future__ import annotations

import functools
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from kit.command import last_lines
from tests.support.environments import MINISTACK, python_of
from tests.support.registry import free_port

ACCOUNT = "123456789012"
REGION = "eu-west-2"
KEY = "test"
_ONE_AT_A_TIME = threading.Lock()
"""A session may not make clients for several threads at once."""
START_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class AwsServer:
    """Where it answers."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What makes every AWS client of a process talk to this server, and to no other."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of one service."""
        return _client(service, self.url)

    def reset(self) -> None:
        """Forget everything, but for what an account has from its beginning."""
        httpx.post(f"{self.url}/_ministack/reset", timeout=START_SECONDS, trust_env=False).raise_for_status()


@functools.cache
def _client(service: str, url: str) -> Any:
    with _ONE_AT_A_TIME:
        return _session().client(service, endpoint_url=url)


@functools.cache
def _session() -> Any:  # its method is typed for literal names only
    return boto3.session.Session(KEY, KEY, region_name=REGION)


@contextmanager
def aws_server() -> Iterator[AwsServer]:
    """Run a server for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="sociometer-aws-") as folder:
        room, port = Path(folder), free_port()
        with (room / "log").open("wb") as log:
            words = ["setpriv", "--pdeathsig", "KILL", str(python_of(MINISTACK)), "-m", "ministack"]
            process = subprocess.Popen(words, stdout=log, stderr=log, env=_environment(room, port), cwd=room)
        try:
            server = AwsServer(f"http://127.0.0.1:{port}")
            _await_ready(server, process, room / "log")
            server.reset()
            yield server
        finally:
            _end(process)


def _environment(room: Path, port: int) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(room),
        "TMPDIR": str(room),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": f"unix://{room / 'no-docker'}",  # with a Docker daemon it would run the tasks' containers
    }


def _await_ready(server: AwsServer, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{server.url}/_ministack/ready", timeout=START_SECONDS, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"The local AWS server did not start.{last_lines('', log.read_text(errors='replace'))}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
