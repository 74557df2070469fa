"""Takes an answer of AWS only if it came whole, and in time.

botocore compares no answer with the length that its head promises, and reads a JSON text that is cut as an empty one
(`enforce_content_length=False` in `botocore.httpsession`, `_parse_body_as_json` in `botocore.parsers`). TLS does not
help: a connection that ends early looks like one that is over. An answer that is cut or damaged is a lost connection
here, which boto3 asks again for, with its waits.

botocore's limits of time are of one piece of an answer, so one that drips has none: here the whole has one.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, TypeVar

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from kit import beside

Client = TypeVar("Client")
GOOD = range(200, 300)
ANSWER_SECONDS = 90.0
"""From the question, the lookup of the name included, to the answer's end. The longest is a page of logs, 1 MB."""


def whole(client: Client) -> Client:
    """The same boto3 client, which takes only whole answers from now on."""
    endpoint: Any = client._endpoint  # type: ignore[attr-defined]
    endpoint.http_session = _WholeAnswers(endpoint.http_session)
    return client


class _WholeAnswers:
    """In the place of botocore's session of HTTP: only these two methods of it are used."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request; raises what botocore tries again for if the answer is cut, damaged or too slow."""
        try:
            answer: AWSResponse = beside.within(ANSWER_SECONDS, partial(self._session.send, request))
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, request=request, error=error) from None
        if not request.stream_output and not _is_whole(answer):
            raise ConnectionClosedError(endpoint_url=request.url, request=request)
        return answer

    def close(self) -> None:
        """End every connection."""
        self._session.close()


def _is_whole(answer: AWSResponse) -> bool:
    """A refusal may be a page of a proxy, but what AWS grants is as its head says."""
    promised = answer.headers.get("Content-Length", "")
    if promised.isdigit() and len(answer.content) != int(promised):
        return False
    if answer.status_code not in GOOD or "json" not in answer.headers.get("Content-Type", "") or not answer.content:
        return True
    try:
        json.loads(answer.content)
    except ValueError:
        return False
    return True
