"""The tags of every AWS resource of a stack, and the provider that sets them.

They show who owns a resource and when it may be deleted. All come from the settings and none from the clock: a date
relative to today would be a change on every run.
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
"""Required on every resource that can have tags."""


def default_tags(settings: Settings, stack: str) -> dict[str, str]:
    """The required tags; `DELETE_AFTER` is a day (2027-01-31), or `ANY_TIME` if the settings give none."""
    return {
        PROJECT: NAMESPACE,
        STACK: stack,
        OWNER: settings.owner,
        DELETE_AFTER: settings.delete_after or ANY_TIME,
    }


def provider(settings: Settings, stack: str) -> aws.Provider:
    """The one provider of all AWS resources. Credentials, and in tests the endpoint (``AWS_ENDPOINT_URL``), come from
    the environment, as for every AWS tool."""
    tags = default_tags(settings, stack)
    return aws.Provider(
        "aws",
        region=settings.region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
    )
