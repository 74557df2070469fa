"""The resources left in a stack's state, and what they cost a day. Pure.

Only what AWS bills while it is idle has a price; most of a stack (network, roles, services without tasks) is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from experiments.forecast.prices import RegionPrices
from infra.outputs import ON_AWS
from kit.values import Frozen

HOURS_PER_DAY = 24

_LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
_BILLED = {
    _LOAD_BALANCER,
    _ENDPOINT,
    "aws:ecr/repository:Repository",  # by its contents
    "aws:ec2/instance:Instance",  # the bastion, by its type
    "aws:cloudwatch/logGroup:LogGroup",  # by its contents
    "aws:s3/bucket:Bucket",  # the bastion's, by its contents
    "aws:s3/bucketV2:BucketV2",
}
"""Billed while idle; some of it by its contents, or by a size that is not in the price table."""


class Leftover(Frozen):
    """A resource that is still in a stack's state: its name in the program, its type, its id on AWS.

    Without an id it may be there: a run was killed while AWS made it.
    """

    name: str
    type: str
    id: str
    usd_per_day: float | None
    """None when it costs something but the price is not known."""


def leftovers(deployment: Mapping[str, Any], prices: RegionPrices | None) -> list[Leftover]:
    """The resources in a stack's exported state, with what each costs a day at the region's prices."""
    pending = [entry["resource"] for entry in deployment.get("pending_operations") or ()]
    known = {resource["urn"] for resource in deployment.get("resources") or ()}
    unknown = [resource for resource in pending if resource["urn"] not in known]
    return [
        Leftover(
            name=resource["urn"].rpartition("::")[2],
            type=resource["type"],
            id=str(resource.get("id", "")),
            usd_per_day=_per_day(resource, prices),
        )
        for resource in _real([*(deployment.get("resources") or ()), *unknown])
    ]


def usd_per_day(left: Sequence[Leftover]) -> float:
    """What all of them cost a day, as far as that is known."""
    return sum(entry.usd_per_day or 0 for entry in left)


def _real(resources: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for resource in resources:
        if resource["type"].startswith(ON_AWS) and resource.get("custom") and not resource.get("external"):
            yield resource


def _per_day(resource: Mapping[str, Any], prices: RegionPrices | None) -> float | None:
    kind, outputs = resource["type"], resource.get("outputs") or {}
    if kind not in _BILLED or (kind == _ENDPOINT and outputs.get("vpcEndpointType") != "Interface"):
        return 0.0
    if prices is None:
        return None
    if kind == _LOAD_BALANCER:
        zones = len(outputs.get("subnets") or ())
        hourly = prices.load_balancer_hour.usd + zones * prices.public_ipv4_hour.usd
        return HOURS_PER_DAY * hourly
    if kind == _ENDPOINT:
        return HOURS_PER_DAY * len(outputs.get("subnetIds") or ()) * prices.endpoint_zone_hour.usd
    return None
