"""A small HTTP server that answers like the API of Amazon ECR, so that boto3 itself is part of a test.

It hands out one token, deletes images from a set, and can be told to refuse.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.background import answering

REGION = "eu-west-2"


class EcrApi:
    """What the server knows, and which operations it was asked for."""

    def __init__(self, user: str, password: str) -> None:
        self.token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.images: set[tuple[str, str]] = set()
        self.kept: dict[str, str] = {}
        self.asked: list[str] = []
        self.refusal: tuple[str, str] | None = None
        self.url = ""

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document for one call."""
        self.asked.append(operation)
        if self.refusal is not None:
            code, message = self.refusal
            return 400, {"__type": code, "message": message}
        if operation == "GetAuthorizationToken":
            return 200, {"authorizationData": [{"authorizationToken": self.token}]}
        return self._delete(request)

    def _delete(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        repository, image = request["repositoryName"], request["imageIds"][0]
        if repository not in {name for name, _ in self.images}:
            return 400, {"__type": "RepositoryNotFoundException", "message": f"{repository} does not exist"}
        digest = image["imageDigest"]
        code = self.kept.get(digest) or (None if (repository, digest) in self.images else "ImageNotFound")
        if code is not None:
            return 200, {"imageIds": [], "failures": [{"imageId": image, "failureCode": code, "failureReason": "so"}]}
        self.images.remove((repository, digest))
        return 200, {"imageIds": [image], "failures": []}


@contextmanager
def ecr_api(monkeypatch: pytest.MonkeyPatch, user: str = "AWS", password: str = "secret") -> Iterator[EcrApi]:  # noqa: S107
    """The server for as long as the block lasts, with the environment in which boto3 finds it and may ask it."""
    api = EcrApi(user, password)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, document = api.answer(self.headers["X-Amz-Target"].rpartition(".")[2], request)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server, monkeypatch.context() as patch:
        api.url = f"http://127.0.0.1:{server.server_port}"
        signed_in(patch, api.url)
        yield api


def signed_in(patch: pytest.MonkeyPatch, url: str) -> None:
    """Credentials that mean nothing, an endpoint, and nothing of the user's own."""
    nobody(patch)
    patch.setenv("AWS_ENDPOINT_URL", url)
    patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")


def nobody(patch: pytest.MonkeyPatch) -> None:
    """An environment without any AWS credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
