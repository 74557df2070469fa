"""The comments of GitHub's and GitLab's APIs on loopback, as far as their documentation says what they do.

GitHub: https://docs.github.com/en/rest/issues/comments (a pull request is an issue there). GitLab:
https://docs.gitlab.com/api/notes and https://docs.gitlab.com/api/users. Neither can be reached from a test; what is
not documented is not imitated.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.background import answering

GITHUB_TOKEN = "github-token-of-a-test"  # noqa: S105
GITLAB_TOKEN = "gitlab-token-of-a-test"  # noqa: S105
OWN_ID = 7
BOT = {"login": "github-actions[bot]", "type": "Bot"}
_GITHUB = r"/repos/team/web/issues"
_GITLAB = r"/projects/42/merge_requests/3/notes"


class ForgeServer(ThreadingHTTPServer):
    """``comments`` are there; ``requests`` came in (method and path); ``script`` has answers to give before others."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.script: deque[tuple[int, dict[str, str]]] = deque()
        self.read_only = False
        """Whether the token is that of a pull request from a fork."""
        self.lost_answers = 0
        """How many comments are still made whose maker is answered 502."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def bodies(self) -> list[str]:
        """What the comments say."""
        return [str(comment["body"]) for comment in self.comments]

    def add(self, body: str, user: dict[str, object] | None = None, author: int = OWN_ID) -> dict[str, Any]:
        """A comment that is there."""
        number = 1000 + len(self.comments)
        made = {"id": number, "body": body, "user": user or BOT, "author": {"id": author}, "html_url": f"/c/{number}"}
        self.comments.append(made)
        return made

    def answer(self, method: str, path: str, token: str, content: dict[str, Any]) -> tuple[int, object]:
        """Status and document for a call."""
        self.requests.append((method, path))
        place, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        if token not in (f"Bearer {GITHUB_TOKEN}", GITLAB_TOKEN):
            return 401, {"message": "Bad credentials"}
        if method == "GET" and place == "/user":
            return 200, {"id": OWN_ID}
        if method == "GET" and re.fullmatch(rf"{_GITHUB}/5/comments|{_GITLAB}", place):
            size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
            return 200, self.comments[(page - 1) * size : page * size]
        if self.read_only:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "POST" and re.fullmatch(rf"{_GITHUB}/5/comments|{_GITLAB}", place):
            made = self.add(content["body"])
            if self.lost_answers:
                self.lost_answers -= 1
                return 502, {}
            return 201, made
        written = re.fullmatch(rf"(?:{_GITHUB}/comments|{_GITLAB})/(\d+)", place)
        if method == ("PATCH" if place.startswith("/repos") else "PUT") and written:
            [found] = [each for each in self.comments if each["id"] == int(written[1])]
            found["body"] = content["body"]
            return 200, found
        return 404, {"message": "Not Found"}


@contextmanager
def serving() -> Iterator[ForgeServer]:
    """A server for as long as the block lasts."""
    with answering(ForgeServer()) as server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: ForgeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_PATCH(self) -> None:
        self._reply()

    def do_PUT(self) -> None:
        self._reply()

    def _reply(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
        headers: dict[str, str] = {}
        if self.server.script:
            (status, headers), document = self.server.script.popleft(), {"message": "scripted"}
            self.server.requests.append((self.command, self.path))
        else:
            status, document = self.server.answer(self.command, self.path, token, content)
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are not told."""
