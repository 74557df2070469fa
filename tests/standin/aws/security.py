"""``aws.ec2.SecurityGroup`` and the rules of ``aws.vpc``, which are resources of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tests.standin.aws.base import pascal, picked
from tests.standin.aws.ec2 import Ec2Resource
from tests.standin.values import Properties, words


class SecurityGroup(Ec2Resource):
    """``aws:ec2/securityGroup:SecurityGroup`` without rules inside: they are refused."""

    inputs = words("name description vpcId revokeRulesOnDelete tags")
    replaces = words("name description vpcId")
    computed = words("arn ownerId")
    gone = ("InvalidGroup.NotFound",)
    described = ("describe_security_groups", "GroupIds", "SecurityGroups")
    name_property = "name"

    def make(self, inputs: Properties) -> str:
        description = inputs.get("description", "Managed by Pulumi")
        identity = str(
            self.client.create_security_group(GroupName=inputs["name"], Description=description, VpcId=inputs["vpcId"])[
                "GroupId"
            ]
        )
        # AWS lets everything out of a new group; pulumi-aws takes that away.
        out = self.client.describe_security_groups(GroupIds=[identity])["SecurityGroups"][0]["IpPermissionsEgress"]
        if out:
            self.client.revoke_security_group_egress(GroupId=identity, IpPermissions=out)
        return identity

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_security_group(GroupId=identity)

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        return {
            "arn": self.aws.arn("ec2", f"security-group/{identity}"),
            "ownerId": self.aws.account,
            "name": found["GroupName"],
            "description": found["Description"],
            "vpcId": found["VpcId"],
        }


NO_PART_OF_A_RULE = ("SecurityGroupId", "Tags", "TagsAll", "Region")


class _Rule(Ec2Resource):
    """One rule of a security group."""

    inputs = words(
        "securityGroupId ipProtocol fromPort toPort cidrIpv4 cidrIpv6 prefixListId referencedSecurityGroupId "
        "description tags"
    )
    replaces = words("securityGroupId")
    computed = words("arn securityGroupRuleId")
    gone = ("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound", "InvalidPermission.NotFound")
    described = ("describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules")
    direction: ClassVar[str]

    def make(self, inputs: Properties) -> str:
        made = self._call("authorize")(GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)])
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        rule = {key: value for key, value in pascal(new).items() if key not in NO_PART_OF_A_RULE}
        rules = [{"SecurityGroupRuleId": identity, "SecurityGroupRule": rule}]
        self.client.modify_security_group_rules(GroupId=new["securityGroupId"], SecurityGroupRules=rules)

    def unmake(self, identity: str, known: Properties) -> None:
        self._call("revoke")(GroupId=known["securityGroupId"], SecurityGroupRuleIds=[identity])

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        group = found.get("ReferencedGroupInfo", {}).get("GroupId")
        values = {
            "arn": self.aws.arn("ec2", f"security-group-rule/{identity}"),
            "securityGroupRuleId": identity,
            "securityGroupId": found["GroupId"],
            "ipProtocol": found["IpProtocol"],
            "fromPort": found.get("FromPort"),
            "toPort": found.get("ToPort"),
            "cidrIpv4": found.get("CidrIpv4"),
            "cidrIpv6": found.get("CidrIpv6"),
            "prefixListId": found.get("PrefixListId"),
            "referencedSecurityGroupId": group,
        }
        return {key: value for key, value in values.items() if value is not None}

    def _call(self, verb: str) -> Callable[..., Any]:
        operation: Callable[..., Any] = getattr(self.client, f"{verb}_security_group_{self.direction}")
        return operation


class IngressRule(_Rule):
    """``aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule``."""

    direction = "ingress"


class EgressRule(_Rule):
    """``aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule``."""

    direction = "egress"


def _permission(inputs: Properties) -> dict[str, Any]:
    """A rule as AWS wants it: the protocol and ports, and one peer."""
    peers = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    [(ours, (theirs, key))] = [entry for entry in peers.items() if entry[0] in inputs]
    peer = {key: inputs[ours], **picked(inputs, {"description": "Description"})}
    return {
        **picked(inputs, {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort"}),
        theirs: [peer],
    }
