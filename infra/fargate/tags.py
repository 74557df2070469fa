"""The tags of everything that a stack makes on AWS, and the provider that puts them there.

Whoever finds a resource learns from them whose it is and when it may go. All of them come from settings and none
from a clock: a date counted from today would be a change on every run.
"""

from __future__ import annotations

import pulumi_aws as aws

from infra.settings.fargate import ANY_TIME
from infra.settings.model import NAMESPACE, Settings

PROJECT = "sociometer:project"
STACK = "sociometer:stack"
OWNER = "sociometer:owner"
DELETE_AFTER = "sociometer:delete-after"
REQUIRED = (PROJECT, STACK, OWNER, DELETE_AFTER)
"""Of every resource that can have tags."""


def default_tags(settings: Settings, stack: str) -> dict[str, str]:
    """The required tags; `DELETE_AFTER` is a day (2027-01-31), or `ANY_TIME` where the settings name none."""
    return {
        PROJECT: NAMESPACE,
        STACK: stack,
        OWNER: settings.owner,
        DELETE_AFTER: settings.delete_after or ANY_TIME,
    }


def provider(settings: Settings, stack: str) -> aws.Provider:
    """The one provider of everything on AWS. Credentials, and for tests the endpoint (``AWS_ENDPOINT_URL``), are
    what the environment says, as for every AWS tool."""
    tags = default_tags(settings, stack)
    return aws.Provider(
        "aws",
        region=settings.region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
    )
