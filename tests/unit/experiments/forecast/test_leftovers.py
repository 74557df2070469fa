"""Claims about what is left of a stack, from states as Pulumi exports them."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.forecast.leftovers import leftovers, usd_per_day
from experiments.forecast.prices import RegionPrices, of_region


@pytest.fixture
def prices() -> RegionPrices:
    found = of_region("eu-west-2")
    assert found is not None
    return found


def resource(kind: str, name: str, *, custom: bool = True, **outputs: object) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::sociometer::{kind}::{name}"
    return {"urn": urn, "type": kind, "custom": custom, "id": f"{name}-id", "outputs": outputs}


LOAD_BALANCER = resource("aws:lb/loadBalancer:LoadBalancer", "front", subnets=["a", "b"])
ENDPOINT = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "logs", vpcEndpointType="Interface", subnetIds=["a", "b"])


def test_a_load_balancer_costs_its_hours_and_an_address_in_each_zone(prices: RegionPrices) -> None:
    [left] = leftovers({"resources": [LOAD_BALANCER]}, prices)
    assert (left.name, left.id) == ("front", "front-id")
    assert left.usd_per_day == pytest.approx(24 * (0.02646 + 2 * 0.005))


def test_an_interface_endpoint_costs_in_each_zone_and_a_gateway_endpoint_nothing(prices: RegionPrices) -> None:
    gateway = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", vpcEndpointType="Gateway")
    interface, free = leftovers({"resources": [ENDPOINT, gateway]}, prices)
    assert interface.usd_per_day == pytest.approx(24 * 2 * 0.011)
    assert free.usd_per_day == 0


def test_what_is_billed_by_its_use_has_no_made_up_price(prices: RegionPrices) -> None:
    [repository] = leftovers({"resources": [resource("aws:ecr/repository:Repository", "movie")]}, prices)
    assert repository.usd_per_day is None


def test_in_a_region_without_prices_what_is_billed_is_listed_without_a_sum() -> None:
    vpc = resource("aws:ec2/vpc:Vpc", "net")
    assert [left.usd_per_day for left in leftovers({"resources": [LOAD_BALANCER, vpc]}, None)] == [None, 0]


def test_only_what_stands_on_aws_is_left(prices: RegionPrices) -> None:
    state = {
        "resources": [
            resource("pulumi:pulumi:Stack", "sociometer-dev", custom=False),
            resource("pulumi:providers:aws", "provider"),
            resource("sociometer:fargate:Network", "net", custom=False),
            {**resource("aws:ec2/vpc:Vpc", "theirs"), "external": True},
            resource("aws:ecs/service:Service", "movie-plain"),
        ]
    }
    assert [left.name for left in leftovers(state, prices)] == ["movie-plain"]


def test_the_sum_is_of_what_is_known(prices: RegionPrices) -> None:
    repository = resource("aws:ecr/repository:Repository", "movie")
    left = leftovers({"resources": [LOAD_BALANCER, ENDPOINT, repository]}, prices)
    assert usd_per_day(left) == pytest.approx(24 * (0.02646 + 2 * 0.005 + 2 * 0.011))


def test_nothing_is_left_of_an_empty_state(prices: RegionPrices) -> None:
    assert leftovers({}, prices) == []
