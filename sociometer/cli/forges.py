"""The pull request (GitHub) or merge request (GitLab) that a CI job is about, and the one comment of ours on it.

The comment is found by its first line among those that our own account wrote: anybody can write that line, and what
somebody else wrote is never changed. Nothing is sent anywhere but to the API that the job's environment names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import stamina

from kit.errors import CommentError

ATTEMPTS = 4
TIMEOUT_SECONDS = 30.0
PAGE = 100
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class NotAllowed(CommentError):
    """The token may not write comments, as that of a pull request from a fork; no sentence, but its beginning."""


class Request(Protocol):
    """A pull or merge request."""

    def put(self, marker: str, body: str) -> str:
        """Write the comment, or write over the one that begins with ``marker``; gives its address.

        Raises `NotAllowed`, or `CommentError` when the API refuses otherwise or cannot be reached.
        """


@dataclass(frozen=True)
class PullRequest:
    """On GitHub; ``api`` is the address of its API, ``repository`` is OWNER/NAME."""

    api: str
    repository: str
    number: int
    token: str = field(repr=False)

    def put(self, marker: str, body: str) -> str:
        """See `Request.put`. Only comments of bots are ours: those that a job writes with its own token are."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        api = _Api(self.api, headers)
        issues = f"/repos/{self.repository}/issues"
        content = {"body": f"{marker}\n{body}"}

        def write() -> str:
            for comment in api.pages(f"{issues}/{self.number}/comments"):
                if _begins(comment, marker) and comment["user"]["type"] == "Bot":
                    return str(api.call("PATCH", f"{issues}/comments/{comment['id']}", content)["html_url"])
            return str(api.call("POST", f"{issues}/{self.number}/comments", content)["html_url"])

        return api.trying(write)


@dataclass(frozen=True)
class MergeRequest:
    """On GitLab; ``api`` is the address of its API, ``page`` that of the merge request."""

    api: str
    project: str
    number: str
    page: str
    token: str = field(repr=False)

    def put(self, marker: str, body: str) -> str:
        """See `Request.put`."""
        api = _Api(self.api, {"PRIVATE-TOKEN": self.token})
        notes = f"/projects/{self.project}/merge_requests/{self.number}/notes"
        content = {"body": f"{marker}\n{body}"}

        def write() -> str:
            own = api.call("GET", "/user")["id"]
            for note in api.pages(notes):
                if _begins(note, marker) and note["author"]["id"] == own:
                    return str(api.call("PUT", f"{notes}/{note['id']}", content)["id"])
            return str(api.call("POST", notes, content)["id"])

        return f"{self.page}#note_{api.trying(write)}"


def request_of(environment: Mapping[str, str]) -> Request | None:
    """The pull or merge request that a CI job's environment names; None where the job is about none.

    Raises `NotAllowed` where there is one, and no token to comment on it; `CommentError` where the environment is not
    that of such a job.
    """
    with _complete():
        if environment.get("GITHUB_ACTIONS") == "true":
            return _pull_request(environment)
        if environment.get("GITLAB_CI") == "true":
            return _merge_request(environment)
    return None


def run_page(environment: Mapping[str, str]) -> str | None:
    """The page of the CI job's run, where its records are; None outside of one. Raises `CommentError`."""
    with _complete():
        if environment.get("GITHUB_ACTIONS") == "true":
            server, repository, run = (environment[f"GITHUB_{name}"] for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
            return f"{server}/{repository}/actions/runs/{run}"
        if environment.get("GITLAB_CI") == "true":
            return f"{environment['CI_JOB_URL']}/artifacts/browse"
    return None


@contextmanager
def _complete() -> Iterator[None]:
    """Name what the environment of a CI job lacks."""
    try:
        yield
    except KeyError as error:
        raise CommentError(f"This CI job has no variable {error.args[0]}, so nothing says where to comment.") from error


def _pull_request(environment: Mapping[str, str]) -> PullRequest | None:
    path = Path(environment["GITHUB_EVENT_PATH"])
    try:
        number = (json.loads(path.read_text()).get("pull_request") or {}).get("number")
    except (ValueError, AttributeError) as error:
        raise CommentError(f"{path} is not what a job on GitHub is about: {error}.") from error
    if number is None:
        return None
    token = environment.get("GITHUB_TOKEN")
    if not token:
        raise NotAllowed("the job has no GITHUB_TOKEN")
    return PullRequest(environment["GITHUB_API_URL"], environment["GITHUB_REPOSITORY"], int(number), token)


def _merge_request(environment: Mapping[str, str]) -> MergeRequest | None:
    number = environment.get("CI_MERGE_REQUEST_IID")
    if number is None:
        return None
    token = environment.get("SOCIOMETER_GITLAB_TOKEN")
    if not token:
        raise NotAllowed("the job has no SOCIOMETER_GITLAB_TOKEN")
    page = f"{environment['CI_MERGE_REQUEST_PROJECT_URL']}/-/merge_requests/{number}"
    return MergeRequest(environment["CI_API_V4_URL"], environment["CI_PROJECT_ID"], number, page, token)


def _begins(comment: Mapping[str, Any], marker: str) -> bool:
    return str(comment["body"]).startswith(marker)


class _Busy(Exception):
    """The API asks for another try."""


class _Api:
    """Calls of one API. Redirections are not followed and addresses in answers not used: the token stays here."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address = address
        self._client = httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT_SECONDS)

    def trying(self, write: Callable[[], str]) -> str:
        """The answer of ``write``, which is done again from its beginning while the API is busy: what an earlier try
        wrote unseen is found then.
        """
        try:
            for attempt in stamina.retry_context(on=(httpx.TransportError, _Busy), attempts=ATTEMPTS, timeout=None):
                with attempt:
                    return write()
        except (httpx.HTTPError, httpx.InvalidURL, _Busy) as error:
            raise CommentError(f"{self._address} does not answer: {error or type(error).__name__}.") from error
        except (LookupError, TypeError, ValueError) as error:
            raise CommentError(f"{self._address} answers something else than comments: {error!r}.") from error
        finally:
            self._client.close()
        raise AssertionError("stamina gives an attempt or raises")

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every element of a list, page by page."""
        number = 1
        while True:
            found = self.call("GET", f"{path}?per_page={PAGE}&page={number}")
            yield from found
            if len(found) < PAGE:
                return
            number += 1

    def call(self, method: str, path: str, content: object = None) -> Any:
        """The answer to one call."""
        answer = self._client.request(method, path, json=content)
        refused = answer.status_code == httpx.codes.FORBIDDEN
        if answer.status_code in _BUSY or (refused and "retry-after" in answer.headers):
            raise _Busy(f"{answer.status_code} for {method} {path}")
        if not answer.is_success:
            said = f"{self._address} answers {answer.status_code} to {method} {path}: {_reason(answer)}"
            raise NotAllowed(said) if refused else CommentError(f"{said}.")
        return answer.json()


def _reason(answer: httpx.Response) -> str:
    """What the API says of a refusal, on one line."""
    try:
        said = str(answer.json()["message"])
    except (ValueError, LookupError, TypeError):
        said = answer.reason_phrase
    return " ".join(said.split())[:200]
