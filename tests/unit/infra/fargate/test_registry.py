"""ECR: what is kept, what is scanned, and what clears itself away."""

from __future__ import annotations

import json

import pytest

from infra.fargate.registry import repository_name
from tests.support.fargate_stack import MockedResource, of_type, only

Declared = list[MockedResource]


def test_every_form_and_every_source_has_a_repository_of_its_own(declared: Declared) -> None:
    names = {each.inputs["name"] for each in of_type(declared, "repository:Repository")}
    kinds = ("source", "plain", "soci-v1", "soci-v2")
    assert names == {f"sociometer/test/{variant}/{kind}" for variant in ("movie", "parquet", "shop") for kind in kinds}


def test_tags_are_immutable_pushes_scanned_and_destroy_leaves_nothing(declared: Declared) -> None:
    for each in of_type(declared, "repository:Repository"):
        assert each.inputs["imageTagMutability"] == "IMMUTABLE"
        assert each.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert each.inputs["forceDelete"]


def test_every_repository_clears_away_old_soci_indexes_and_what_has_no_tag(declared: Declared) -> None:
    policies = {each.name: each for each in of_type(declared, "lifecyclePolicy:LifecyclePolicy")}
    assert set(policies) == {each.name for each in of_type(declared, "repository:Repository")}
    untagged, count = json.loads(policies["movie-soci-v2"].inputs["policy"])["rules"]
    assert untagged["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    }
    assert (count["selection"]["tagStatus"], count["selection"]["countType"]) == ("any", "imageCountMoreThan")
    assert untagged["rulePriority"] < count["rulePriority"], "ECR wants the rule for any image last"
    assert {rule["action"]["type"] for rule in (untagged, count)} == {"expire"}


def test_policies_belong_to_their_repositories(declared: Declared) -> None:
    policy = only(declared, "lifecyclePolicy:LifecyclePolicy", "shop-source")
    assert policy.inputs["repository"] == "sociometer/test/shop/source"
    assert only(declared, "repository:Repository", "shop-source").urn in policy.dependencies


@pytest.mark.parametrize(
    ("stack", "name"),
    [("dev", "sociometer/dev/a/b"), ("My_Stack..2", "sociometer/my-stack-2/a/b"), ("x-", "sociometer/x/a/b")],
)
def test_any_stack_name_becomes_one_that_ecr_allows(stack: str, name: str) -> None:
    assert repository_name(stack, "a/b") == name
