"""How Amazon ECR differs from other registries: credentials that live twelve hours, and how images are deleted.

A token is fetched anew for every piece of work and handed to the tools in a file that only this user can read, gone
when the work is: it is in no state, no argument and no log. Faces `oci.regctl` and whoever opens a registry.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from kit.documents import Unreadable, model_of
from kit.errors import AwsError, RegistryUnreachable, SettingsError
from kit.files import write_private
from kit.scratch import temporary_folder

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient

HOST = re.compile(r"\d{12}\.dkr[.-]ecr\.(?P<region>[a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.aws)")
"""Of a private registry (Amazon ECR user guide, "Private registry concepts")."""

CONNECT_SECONDS = 10
READ_SECONDS = 60
TRIES = 5


class _DockerConfiguration(BaseModel):
    """What is read of it; all else is handed on as it is."""

    model_config = ConfigDict(extra="allow")

    auths: dict[str, Any] | None = None
    credHelpers: dict[str, str] | None = None  # noqa: N815 - Docker's name


def region_of(registry: str) -> str | None:
    """The region of an ECR registry's host name; None for another registry."""
    found = HOST.fullmatch(registry)
    return found["region"] if found else None


@contextmanager
def auth_file(registry: str, region: str, base: Path | None = None) -> Iterator[Path]:
    """A Docker ``config.json`` with a fresh token for ``registry`` beside what ``base``, or the user's own one, holds.

    It lies in a private folder that is removed with the block. Raises `CredentialsError` when AWS does not accept the
    credentials, `RegistryUnreachable` when AWS does not answer, and `AwsError` for any other refusal.
    """
    config = _configuration(base)
    config["auths"] = {**(config.get("auths") or {}), registry: {"auth": _token(region)}}
    config.pop("credsStore", None)  # Docker would ask it first, and it does not know the token
    config["credHelpers"] = {host: name for host, name in (config.get("credHelpers") or {}).items() if host != registry}
    with temporary_folder("sociometer-auth-") as folder:
        path = folder / "config.json"
        write_private(path, json.dumps(config))
        yield path


def delete_image(registry: str, repository: str, digest: str) -> None:
    """Delete an image with its tags; one that is gone already, or whose repository is, is fine.

    Through ECR's own API: it does not know the registry API's DELETE. ``repository`` is without the host.
    """
    region = region_of(registry)
    if region is None:
        raise ValueError(f"{registry} is not an ECR registry")
    with _translated("BatchDeleteImage"):
        client = _client(region)
        try:
            answer = client.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
        except client.exceptions.RepositoryNotFoundException:
            return
    for failure in answer["failures"]:
        if failure.get("failureCode") != "ImageNotFound":
            reason = f"{failure.get('failureCode')}: {failure.get('failureReason')}"
            raise AwsError(f"ECR did not delete {repository}@{digest}: {reason}.")


def _token(region: str) -> str:
    with _translated("GetAuthorizationToken"):
        return _client(region).get_authorization_token()["authorizationData"][0]["authorizationToken"]


def _client(region: str) -> ECRClient:
    """A client of a session of its own: boto3's default session must not be shared by threads."""
    import boto3  # takes half a second, which a lab never needs
    from botocore.config import Config

    from kit.aws_answers import whole

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
    )
    return whole(boto3.session.Session().client("ecr", region_name=region, config=config))


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """What boto3 raises, as errors of ours; that AWS cannot be reached says nothing about the images."""
    from botocore.exceptions import BotoCoreError, ClientError

    from kit.aws_errors import AGAIN, UNREACHABLE, translate

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        translated = translate(operation, error, AGAIN)
        raise RegistryUnreachable(str(translated)) if isinstance(error, UNREACHABLE) else translated from error


def _configuration(base: Path | None) -> dict[str, Any]:
    """``base``, or the user's Docker configuration: an own image may come from a registry that only it can enter."""
    folder = os.environ.get("DOCKER_CONFIG")
    path = base or (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    if not path.is_file():
        return {}
    try:
        return model_of(_DockerConfiguration, path.read_bytes()).model_dump(exclude_unset=True)
    except Unreadable as error:
        raise SettingsError(f"The Docker configuration {path} cannot be used: {error}.") from error
