"""A configured provider: region, default tags, and the clients of the local AWS server."""

from __future__ import annotations

import functools
import json
import os
import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from tests.standin.provider import Unsupported
from tests.standin.values import Properties

_ONE_AT_A_TIME = threading.Lock()
"""Clients may be used by several threads, but a session may not make them for several at once."""
KNOWN = {"region", "defaultTags", "version", "skipCredentialsValidation", "skipRegionValidation"}


@dataclass(frozen=True, eq=False)
class Aws:
    """Where resources are made and what tags all of them bear."""

    region: str
    default_tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def configured(cls, configuration: Properties) -> Aws:
        """As the program's provider says, else the environment; refuses what it does not know."""
        values = {key: _decoded(value) for key, value in configuration.items()}
        if unknown := sorted(key for key, value in values.items() if value and key not in KNOWN):
            raise Unsupported(f"The stand-in for the aws provider does not know its setting {', '.join(unknown)}.")
        if "AWS_ENDPOINT_URL" not in os.environ:
            raise Unsupported("AWS_ENDPOINT_URL is not set: the stand-in makes nothing on the real AWS.")
        region = values.get("region") or os.environ["AWS_REGION"]
        return cls(region, (values.get("defaultTags") or {}).get("tags", {}))

    def client(self, service: str) -> Any:
        """A client of one service; kept, and safe for several threads."""
        return _client(service, self.region, os.environ["AWS_ENDPOINT_URL"])

    @functools.cached_property
    def account(self) -> str:
        """The number of the account."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@functools.lru_cache
def _client(service: str, region: str, url: str) -> Any:
    retries = Config(retries={"mode": "standard", "total_max_attempts": 3})
    with _ONE_AT_A_TIME:
        return _session(region).client(service, endpoint_url=url, config=retries)


@functools.lru_cache
def _session(region: str) -> Any:
    """One for all services: each session reads the tables of all partitions and services anew."""
    return boto3.session.Session(region_name=region)


def _decoded(value: Any) -> Any:
    """The SDK hands the settings of a provider over as JSON text, unless they are text themselves."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
