"""``aws.lb``: application load balancer and target group."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standin.aws.base import AwsResource, pairs, picked, same_set
from tests.standin.values import Properties, words

DNS_NAME = "STANDIN_LB_DNS"
"""Environment variable: what the load balancer's dnsName is said to be, such as a loopback server of the test."""


class LbResource(AwsResource):
    """What is described by its ARN, which is its id, and may have attributes: text by name."""

    service = "elbv2"
    described: ClassVar[tuple[str, str, str]]
    attributes: ClassVar[Mapping[str, str]] = {}
    kind: ClassVar[str] = ""

    def read(self, identity: str, known: Properties) -> Properties | None:
        operation, parameter, key = self.described
        answer = self.unless_gone(lambda: getattr(self.client, operation)(**{parameter: [identity]}))
        if not answer or not answer[key]:
            return None
        suffix = {"arnSuffix": identity.partition(f":{self.kind}/")[2]} if self.kind else {}
        return {"arn": identity, **suffix, **self.properties(answer[key][0], known), **self._attributes(identity)}

    def properties(self, found: dict[str, Any], known: Properties) -> Properties:
        """AWS's description in the properties of the Pulumi schema."""
        raise NotImplementedError

    def set_attributes(self, identity: str, inputs: Properties, changed: set[str]) -> None:
        """Set those that the inputs name."""
        entries = [
            {"Key": theirs, "Value": _text(inputs[ours])}
            for ours, theirs in self.attributes.items()
            if ours in changed and ours in inputs
        ]
        if entries:
            self._attribute_call("modify")(**{self._arn_parameter: identity}, Attributes=entries)

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.add_tags(ResourceArns=[identity], Tags=pairs(tags))

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.remove_tags(ResourceArns=[identity], TagKeys=keys)

    def _attributes(self, identity: str) -> Properties:
        if not self.attributes:
            return {}
        found = self._attribute_call("describe")(**{self._arn_parameter: identity})["Attributes"]
        values = {entry["Key"]: entry["Value"] for entry in found}
        return {ours: _value(values[theirs]) for ours, theirs in self.attributes.items() if theirs in values}

    def _attribute_call(self, verb: str) -> Any:
        thing = "target_group" if self.kind == "targetgroup" else "load_balancer"
        return getattr(self.client, f"{verb}_{thing}_attributes")

    @property
    def _arn_parameter(self) -> str:
        return "TargetGroupArn" if self.kind == "targetgroup" else "LoadBalancerArn"


class LoadBalancer(LbResource):
    """``aws:lb/loadBalancer:LoadBalancer``."""

    attributes: ClassVar[Mapping[str, str]] = {
        "idleTimeout": "idle_timeout.timeout_seconds",
        "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
        "enableDeletionProtection": "deletion_protection.enabled",
    }
    inputs = words("name loadBalancerType internal securityGroups subnets ipAddressType tags") | frozenset(attributes)
    replaces = words("name loadBalancerType internal")
    computed = words("arn arnSuffix dnsName vpcId zoneId")
    gone = ("LoadBalancerNotFound",)
    described = ("describe_load_balancers", "LoadBalancerArns", "LoadBalancers")
    kind = "loadbalancer"
    name_property, name_limit = "name", 32

    def make(self, inputs: Properties) -> str:
        names = {
            "name": "Name",
            "loadBalancerType": "Type",
            "securityGroups": "SecurityGroups",
            "subnets": "Subnets",
            "ipAddressType": "IpAddressType",
        }
        scheme = "internal" if inputs.get("internal") else "internet-facing"
        made = self.client.create_load_balancer(Scheme=scheme, **picked(inputs, names))["LoadBalancers"][0]
        self.set_attributes(made["LoadBalancerArn"], inputs, set(inputs))
        return str(made["LoadBalancerArn"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if "securityGroups" in changed:
            self.client.set_security_groups(LoadBalancerArn=identity, SecurityGroups=new["securityGroups"])
        if "subnets" in changed:
            self.client.set_subnets(LoadBalancerArn=identity, Subnets=new["subnets"])
        self.set_attributes(identity, new, changed)

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_load_balancer(LoadBalancerArn=identity)

    def properties(self, found: dict[str, Any], known: Properties) -> Properties:
        zones = [zone["SubnetId"] for zone in found["AvailabilityZones"]]
        return {
            "name": found["LoadBalancerName"],
            "loadBalancerType": found["Type"],
            "internal": found["Scheme"] == "internal",
            "securityGroups": same_set(known.get("securityGroups"), found["SecurityGroups"]),
            "subnets": same_set(known.get("subnets"), zones),
            "dnsName": os.environ.get(DNS_NAME, found["DNSName"]),
            "vpcId": found["VpcId"],
            "zoneId": found["CanonicalHostedZoneId"],
        }


class TargetGroup(LbResource):
    """``aws:lb/targetGroup:TargetGroup``."""

    attributes: ClassVar[Mapping[str, str]] = {
        "deregistrationDelay": "deregistration_delay.timeout_seconds",
        "slowStart": "slow_start.duration_seconds",
        "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    }
    inputs = words("name port protocol protocolVersion targetType vpcId healthCheck tags") | frozenset(attributes)
    replaces = words("name port protocol protocolVersion targetType vpcId")
    computed = words("arn arnSuffix loadBalancerArns")
    gone = ("TargetGroupNotFound",)
    described = ("describe_target_groups", "TargetGroupArns", "TargetGroups")
    kind = "targetgroup"
    name_property, name_limit = "name", 32

    def make(self, inputs: Properties) -> str:
        names = {
            "name": "Name",
            "port": "Port",
            "protocol": "Protocol",
            "protocolVersion": "ProtocolVersion",
            "targetType": "TargetType",
            "vpcId": "VpcId",
        }
        made = self.client.create_target_group(**picked(inputs, names), **_health_check(inputs))["TargetGroups"][0]
        self.set_attributes(made["TargetGroupArn"], inputs, set(inputs))
        return str(made["TargetGroupArn"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if "healthCheck" in changed:
            self.client.modify_target_group(TargetGroupArn=identity, **_health_check(new))
        self.set_attributes(identity, new, changed)

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_target_group(TargetGroupArn=identity)

    def properties(self, found: dict[str, Any], known: Properties) -> Properties:
        health = {ours: found[theirs] for ours, theirs in HEALTH_CHECK.items() if theirs in found}
        if "Matcher" in found:
            health["matcher"] = found["Matcher"].get("HttpCode")
        given = known.get("healthCheck", {})
        return {
            "name": found["TargetGroupName"],
            "port": found["Port"],
            "protocol": found["Protocol"],
            "targetType": found["TargetType"],
            "vpcId": found["VpcId"],
            "healthCheck": {key: health.get(key, given[key]) for key in given},
            "loadBalancerArns": found["LoadBalancerArns"],
        }


HEALTH_CHECK = {
    "enabled": "HealthCheckEnabled",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "healthyThreshold": "HealthyThresholdCount",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _health_check(inputs: Properties) -> dict[str, Any]:
    given = inputs.get("healthCheck", {})
    matcher = {"Matcher": {"HttpCode": given["matcher"]}} if "matcher" in given else {}
    return picked(given, HEALTH_CHECK) | matcher


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text
