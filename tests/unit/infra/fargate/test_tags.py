"""Tags: whose everything is, and when it may go."""

from __future__ import annotations

import json

from infra.fargate import tags
from infra.settings.model import Settings
from tests.support.fargate_stack import MockedResource, only, resources

Declared = list[MockedResource]


def test_the_provider_tags_everything_with_project_stack_owner_and_day(declared: Declared) -> None:
    provider = only(declared, "pulumi:providers:aws").inputs
    assert provider["region"] == "eu-west-2"
    assert _tags(provider) == {
        "sociometer:project": "sociometer",
        "sociometer:stack": "test",
        "sociometer:owner": "ada@example.org",
        "sociometer:delete-after": "2027-01-31",
    }


def _tags(provider: object) -> dict[str, str]:
    assert isinstance(provider, dict)
    found = provider["defaultTags"]
    value: dict[str, str] = (json.loads(found) if isinstance(found, str) else found)["tags"]
    return value


def test_every_resource_on_aws_comes_from_that_provider(declared: Declared) -> None:
    provider = only(declared, "pulumi:providers:aws")
    on_aws = [each for each in declared if each.type.startswith("aws:")]
    assert len(on_aws) > 80
    assert {each.provider.rpartition("::")[0] for each in on_aws} == {provider.urn}


def test_no_resource_overrides_a_required_tag(declared: Declared) -> None:
    assert not any(set(each.inputs.get("tags") or {}) & set(tags.REQUIRED) for each in declared)


def test_a_stack_without_a_day_may_go_at_any_time_and_no_clock_decides() -> None:
    made = tags.default_tags(Settings.parse({}), "dev")
    assert made[tags.DELETE_AFTER] == "any-time"
    assert set(made) == set(tags.REQUIRED)


def test_the_region_is_the_settings() -> None:
    declared = resources(region="us-east-1", variants="movie")
    assert only(declared, "pulumi:providers:aws").inputs["region"] == "us-east-1"
    assert only(declared, ":VpcEndpoint", "sociometer-logs").inputs["serviceName"] == "com.amazonaws.us-east-1.logs"
