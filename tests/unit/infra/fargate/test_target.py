"""The stack as a whole: its tree, its outputs, its look-ups, and what it refuses."""

from __future__ import annotations

import pulumi
import pytest

from infra.fargate.program import V1_NOTICE
from infra.fargate.target import partition
from infra.outputs import StackOutputs
from kit.errors import SettingsError
from tests.support import fargate_stack
from tests.support.fargate_stack import ACCOUNT, HOST, MockedResource, of_type, only, resources, run_stack

Declared = list[MockedResource]


def test_every_component_is_a_child_of_the_stacks_one(declared: Declared) -> None:
    root = only(declared, "sociometer:fargate:Stack")
    rooms = [each for each in declared if each.type.startswith("sociometer:fargate:") and each is not root]
    assert {each.parent for each in rooms} == {root.urn}
    assert len(rooms) == 6 + 3 + 9


def test_every_resource_on_aws_is_a_child_of_a_component(declared: Declared) -> None:
    components = {each.urn for each in declared if each.type.startswith("sociometer:fargate:")}
    orphans = [
        each.name for each in declared if each.type.startswith(("aws:", "docker:")) and each.parent not in components
    ]
    assert orphans == []


def test_the_outputs_keep_the_contract(outputs: StackOutputs) -> None:
    fargate = outputs.fargate
    assert fargate is not None
    assert (outputs.target, outputs.platform, outputs.registry) == ("fargate", "linux/arm64", HOST)
    assert (fargate.account, fargate.region, fargate.container) == (ACCOUNT, "eu-west-2", "workload")
    assert fargate.load_balancer == "http://sociometer.eu-west-2.elb.amazonaws.com"
    assert (fargate.log_group, fargate.platform_version) == ("/sociometer/test", "1.4.0")
    assert (fargate.cpu_units, fargate.memory_mebibytes) == (256, 512)
    assert {name: variant.boot_report for name, variant in outputs.variants.items()} == {
        "movie": True,
        "parquet": True,
        "shop": True,
    }
    assert all(variant.image_bytes == 10**6 for variant in outputs.variants.values())


def test_one_variant_alone_is_a_stack_of_its_own() -> None:
    declared, outputs = run_stack(variants="parquet", forms="soci-v2")
    assert list(outputs.variants) == ["parquet"]
    assert [each.name for each in of_type(declared, "ecs/service:Service")] == ["parquet-soci-v2"]


def test_no_range_at_all_is_refused_before_anything_is_declared() -> None:
    with pytest.raises(pulumi.RunError, match="loadbalancerAllowCidrs: fargate needs at least one range"):
        resources(loadbalancerAllowCidrs="")


def test_a_region_of_one_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    call = "aws:index/getAvailabilityZones:getAvailabilityZones"
    monkeypatch.setitem(fargate_stack._CALLS, call, {"names": ["eu-west-2a"]})
    with pytest.raises(SettingsError, match=r"region: eu-west-2 has 1 zone\(s\)"):
        resources(variants="movie")


def test_soci_v1_is_made_with_a_warning_that_it_may_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    declared = resources(variants="movie", forms="plain,soci-v1")
    assert said == [V1_NOTICE]
    assert only(declared, "ecs/service:Service", "movie-soci-v1")


@pytest.mark.parametrize(
    ("region", "name"), [("eu-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arns_begin_with_the_regions_partition(region: str, name: str) -> None:
    assert partition(region) == name
