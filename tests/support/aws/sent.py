"""Which operations a process really sends to AWS, noted in a file, and the IAM action that each of them needs.

The stand-in providers and the command run in processes of their own: the file's name reaches them by the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

SENT = "SOCIOMETER_TEST_SENT"
"""The variable with the file's name; without it nothing is noted."""

_OTHER_NAMES = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
}
"""Operations whose action is not called like them ("Actions, resources, and condition keys for Amazon S3")."""


@contextmanager
def noted() -> Iterator[None]:
    """For as long as the block lasts, every operation that boto3 sends in this process is noted, each once."""
    file, seen = os.environ.get(SENT), set[str]()
    if not file:
        yield
        return
    send: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def sending(client: Any, operation: str, parameters: Any) -> Any:
        line = f"{client.meta.service_model.signing_name}:{operation}\n"
        if line not in seen:
            seen.add(line)
            with Path(file).open("a") as notes:  # one short line at once: several processes can write
                notes.write(line)
        return send(client, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", sending):
        yield


def actions(file: Path) -> set[str]:
    """The IAM actions behind what was noted."""
    return {_OTHER_NAMES.get(line, line) for line in file.read_text().split()}
