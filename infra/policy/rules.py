"""Rules for every resource of a stack on AWS, as plain functions: a resource and options in, faults out.

Needs neither pulumi-policy, which has its own environment, nor anything else from this project, so that the pack can be
copied and used with any stack. Sources: controls ECR.2, EC2.18, EC2.19, IAM.1 and IAM.21 of AWS Security Hub,
and "Apply least-privilege permissions" in the IAM user guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

WORLD_PREFIX = 8
"""A range with a shorter prefix counts as the whole internet: two halves of it would be just as open."""

REQUIRED_TAGS = ("sociometer:project", "sociometer:stack", "sociometer:owner", "sociometer:delete-after")
BY_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
EVERYTHING_POLICIES = ("AdministratorAccess", "PowerUserAccess")
"""AWS managed policies that allow every action on every resource, or nearly."""

UNTAGGABLE = frozenset(
    {
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    }
)
"""Types that AWS treats as part of another resource and that cannot have tags. All other types must have them."""

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """A resource as the program declares it: type token, logical name, and inputs with Pulumi's names (camelCase)."""

    type: str
    name: str
    properties: Properties
    default_tags: Properties = field(default_factory=dict)
    """Tags that its provider sets on every resource."""


@dataclass(frozen=True)
class Rule:
    """A rule: ``check`` yields a sentence per fault; ``options`` are the settings it accepts, as JSON schemas."""

    name: str
    description: str
    check: Callable[[Resource, Properties], Iterator[str]]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def no_world_ingress(resource: Resource, options: Properties) -> Iterator[str]:
    """Only resources that the option ``allowed`` names may be reachable from the whole internet."""
    if resource.name in options.get("allowed", ()):
        return
    for cidr in _ingress_ranges(resource):
        if ip_network(cidr, strict=False).prefixlen < WORLD_PREFIX:
            yield f"{cidr} may reach it: the whole internet. Use your own range, or allow the resource by name."


def immutable_tags(resource: Resource, _options: Properties) -> Iterator[str]:
    """A tag must always refer to the same image."""
    if resource.type == "aws:ecr/repository:Repository":
        mutability = resource.properties.get("imageTagMutability", "MUTABLE")
        if mutability != "IMMUTABLE":
            yield f"its imageTagMutability is {mutability}. Set IMMUTABLE."


def images_by_digest(resource: Resource, _options: Properties) -> Iterator[str]:
    """A task must run the very image that was inspected, and only a digest identifies that."""
    for container in _containers(resource):
        if not BY_DIGEST.fullmatch(container["image"]):
            yield f"container {container['name']} runs {container['image']}. Name the image by digest."


def roles_apart(resource: Resource, _options: Properties) -> Iterator[str]:
    """The workload must not have the rights that ECS needs to run it (pull, log)."""
    if resource.type == "aws:ecs/taskDefinition:TaskDefinition":
        execution, task = (resource.properties.get(key) for key in ("executionRoleArn", "taskRoleArn"))
        if execution is not None and execution == task:
            yield f"its execution role and its task role are both {task}. Use a separate role for each."


def no_wildcard_rights(resource: Resource, _options: Properties) -> Iterator[str]:
    """No policy may allow wildcard actions on every resource."""
    for policy in _policies(resource):
        for statement in _listed(policy.get("Statement")):
            if statement.get("Effect") == "Allow" and (wildcards := _too_much(statement)):
                yield f"a statement allows {wildcards}. Name the actions, or the resources."
    arn = resource.properties.get("policyArn", "")
    if resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment" and arn.endswith(EVERYTHING_POLICIES):
        yield f"{arn} allows nearly everything. Attach a policy that names its actions."


def required_tags(resource: Resource, options: Properties) -> Iterator[str]:
    """Every resource must show who owns it and when it may be deleted."""
    if not resource.type.startswith("aws:") or resource.type in UNTAGGABLE:
        return
    tags = {**resource.default_tags, **(resource.properties.get("tagsAll") or resource.properties.get("tags") or {})}
    for name in options.get("tags", REQUIRED_TAGS):
        if not tags.get(name):
            yield f"the tag {name} is missing. Set it, or let the provider set it (defaultTags)."


def log_retention(resource: Resource, _options: Properties) -> Iterator[str]:
    """Logs without a retention period are kept, and billed, for ever."""
    if resource.type == "aws:cloudwatch/logGroup:LogGroup" and not resource.properties.get("retentionInDays"):
        yield "its logs are kept for ever. Set retentionInDays."


RULES = (
    Rule(
        "no-world-ingress",
        "Nothing is open to the whole internet unless it is allowed by name.",
        no_world_ingress,
        {"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
    ),
    Rule("immutable-tags", "Tags of ECR repositories are immutable.", immutable_tags),
    Rule("images-by-digest", "Tasks refer to their images by digest.", images_by_digest),
    Rule("roles-apart", "A task's execution role and task role are different roles.", roles_apart),
    Rule("no-wildcard-rights", "No policy allows wildcard actions on wildcard resources.", no_wildcard_rights),
    Rule(
        "required-tags",
        "Every resource has tags that show who owns it and when it may be deleted.",
        required_tags,
        {"tags": {"type": "array", "items": {"type": "string"}, "default": list(REQUIRED_TAGS)}},
    ),
    Rule("log-retention", "Log groups have a retention period.", log_retention),
)


def provider_tags(properties: Properties) -> Properties:
    """The default tags of a provider, whose nested inputs Pulumi writes as JSON text."""
    value = properties.get("defaultTags") or {}
    configuration = json.loads(value) if isinstance(value, str) else value
    tags: Properties = configuration.get("tags") or {}
    return tags


def _ingress_ranges(resource: Resource) -> Iterator[str]:
    properties = resource.properties
    if resource.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        yield from filter(None, (properties.get("cidrIpv4"), properties.get("cidrIpv6")))
    elif resource.type == "aws:ec2/securityGroup:SecurityGroup":
        for rule in properties.get("ingress") or ():
            yield from _ranges(rule)
    elif resource.type == "aws:ec2/securityGroupRule:SecurityGroupRule" and properties.get("type") == "ingress":
        yield from _ranges(properties)


def _ranges(rule: Properties) -> Iterator[str]:
    yield from rule.get("cidrBlocks") or ()
    yield from rule.get("ipv6CidrBlocks") or ()


def _containers(resource: Resource) -> list[Any]:
    if resource.type != "aws:ecs/taskDefinition:TaskDefinition":
        return []
    return list(json.loads(resource.properties["containerDefinitions"]))


def _policies(resource: Resource) -> Iterator[Any]:
    """The policies that grant rights (a role's trust policy grants none)."""
    if resource.type in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"):
        yield _parsed(resource.properties["policy"])
    elif resource.type == "aws:iam/role:Role":
        for inline in resource.properties.get("inlinePolicies") or ():
            yield _parsed(inline["policy"])


def _parsed(policy: Any) -> Any:
    return json.loads(policy) if isinstance(policy, str) else policy


def _too_much(statement: Properties) -> str | None:
    """What a statement allows by wildcard, in words; None if it names its actions or its resources."""
    if not any(map(_is_every_resource, _listed(statement.get("Resource")))) and "NotResource" not in statement:
        return None
    if "NotAction" in statement:
        return "all but a few actions on every resource"
    wildcards = [action for action in _listed(statement.get("Action")) if "*" in action or "?" in action]
    return f"{', '.join(wildcards)} on every resource" if wildcards else None


def _is_every_resource(arn: str) -> bool:
    """Whether it is ``*``, or an ARN that names nothing after its service: ``arn:aws:s3:::*``."""
    return arn.split(":", 5)[-1] in ("*", "*/*")


def _listed(value: Any) -> Iterable[Any]:
    """The values as a sequence: IAM writes a single one without a list."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str | Mapping) else value
