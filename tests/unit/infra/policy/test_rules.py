"""Each rule of the policy pack with a stack that passes it and with stacks that it fails; then the real stack."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.fargate import tags
from infra.policy.rules import REQUIRED_TAGS, RULES, Resource
from tests.contracts.outputs import digest
from tests.support.fargate_stack import resources
from tests.support.policy import as_declared, violations

TAGS = dict.fromkeys(REQUIRED_TAGS, "x")
ROLE = "arn:aws:iam::123456789012:role/"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
REPOSITORY = "aws:ecr/repository:Repository"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
LOGS = "aws:cloudwatch/logGroup:LogGroup"


def resource(type_: str, **properties: Any) -> Resource:
    return Resource(type_, "it", properties, TAGS)


def task(image: str = f"registry/app@{digest('app')}", **roles: str) -> Resource:
    containers = [{"name": "workload", "image": image}]
    return resource(TASK, containerDefinitions=json.dumps(containers), **roles)


def policy(**statement: Any) -> Resource:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    return resource(POLICY, policy=json.dumps(document))


PASSING = {
    "no-world-ingress": [
        resource(INGRESS, cidrIpv4="203.0.113.7/32"),
        resource(INGRESS, cidrIpv6="2001:db8::/32"),
        resource(INGRESS, referencedSecurityGroupId="sg-1"),
        resource(GROUP, ingress=[{"cidrBlocks": ["10.0.0.0/8"]}], egress=[{"cidrBlocks": ["0.0.0.0/0"]}]),
    ],
    "immutable-tags": [resource(REPOSITORY, imageTagMutability="IMMUTABLE")],
    "images-by-digest": [task()],
    "roles-apart": [task(executionRoleArn=f"{ROLE}a", taskRoleArn=f"{ROLE}b"), task(executionRoleArn=f"{ROLE}a")],
    "no-wildcard-rights": [
        policy(Action="ecr:GetAuthorizationToken", Resource="*"),
        policy(Action="ecr:*", Resource="arn:aws:ecr:eu-west-2:123456789012:repository/app"),
        policy(Effect="Deny", Action="*", Resource="*"),
        resource(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"),
    ],
    "required-tags": [
        resource(LOGS, retentionInDays=7),
        Resource(LOGS, "it", {"retentionInDays": 7, "tagsAll": TAGS}),
        Resource("aws:ec2/route:Route", "it", {}),
        Resource("pulumi-python:dynamic/sociometer:SociImage", "it", {}),
    ],
    "log-retention": [resource(LOGS, retentionInDays=7)],
}
FAILING = {
    "no-world-ingress": [
        resource(INGRESS, cidrIpv4="0.0.0.0/0"),
        resource(INGRESS, cidrIpv4="128.0.0.0/1"),
        resource(INGRESS, cidrIpv6="::/0"),
        resource(GROUP, ingress=[{"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}]),
        resource(GROUP, ingress=[{"ipv6CidrBlocks": ["::/0"]}]),
        resource("aws:ec2/securityGroupRule:SecurityGroupRule", type="ingress", cidrBlocks=["0.0.0.0/0"]),
    ],
    "immutable-tags": [resource(REPOSITORY), resource(REPOSITORY, imageTagMutability="IMMUTABLE_WITH_EXCLUSION")],
    "images-by-digest": [task("nginx"), task("registry/app:v1"), task("registry/app@sha256:short")],
    "roles-apart": [task(executionRoleArn=f"{ROLE}a", taskRoleArn=f"{ROLE}a")],
    "no-wildcard-rights": [
        policy(Action="*", Resource="*"),
        policy(Action=["s3:GetObject", "ecr:*"], Resource=["*"]),
        policy(Action="s3:*", Resource="arn:aws:s3:::*"),
        policy(NotAction="iam:*", Resource="*"),
        policy(Action="s3:*", NotResource="arn:aws:s3:::kept"),
        resource(
            "aws:iam/role:Role", inlinePolicies=[{"policy": policy(Action="*", Resource="*").properties["policy"]}]
        ),
        resource(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
    ],
    "required-tags": [
        Resource(LOGS, "it", {"retentionInDays": 7}),
        Resource(LOGS, "it", {"retentionInDays": 7, "tags": TAGS | {REQUIRED_TAGS[0]: ""}}),
        Resource("aws:new/thing:Thing", "it", {}),
    ],
    "log-retention": [resource(LOGS), resource(LOGS, retentionInDays=0)],
}
CASES = {name: [(name, each) for each in cases] for name, cases in FAILING.items()}


def test_every_rule_has_stacks_that_pass_and_fail_it() -> None:
    assert PASSING.keys() == FAILING.keys() == {rule.name for rule in RULES}


@pytest.mark.parametrize("each", [each for cases in PASSING.values() for each in cases], ids=str)
def test_good_resource_passes_every_rule(each: Resource) -> None:
    assert violations(each) == []


@pytest.mark.parametrize(("rule", "each"), [case for cases in CASES.values() for case in cases], ids=str)
def test_bad_resource_fails_its_rule_and_no_other(rule: str, each: Resource) -> None:
    faults = violations(each)
    assert faults
    assert {fault.partition(":")[0] for fault in faults} == {rule}


def test_world_is_let_in_where_it_is_allowed_by_name() -> None:
    open_to_all = resource(INGRESS, cidrIpv4="0.0.0.0/0")
    options = {"no-world-ingress": {"allowed": ["it"]}}
    assert violations(open_to_all, options) == []
    assert violations(replace(open_to_all, name="another"), options) != []


def test_fault_says_what_it_is_and_what_to_do() -> None:
    assert violations(task("nginx")) == [
        "images-by-digest: it: container workload runs nginx. Name the image by digest."
    ]


def test_other_tags_can_be_required() -> None:
    group = Resource(LOGS, "it", {"retentionInDays": 7, "tags": {"team": "a"}})
    assert violations(group, {"required-tags": {"tags": ["team"]}}) == []


def test_required_tags_are_those_of_the_program() -> None:
    assert set(REQUIRED_TAGS) == set(tags.REQUIRED)


@pytest.mark.parametrize(
    "settings", [{}, {"builder": "buildkit", "bastion": "true", "forms": "plain,soci-v2"}], ids=str
)
def test_whole_fargate_stack_passes_every_rule(settings: dict[str, str]) -> None:
    declared = as_declared(resources(**settings))
    assert {each.type for each in declared} >= {INGRESS, GROUP, REPOSITORY, TASK, POLICY, LOGS}
    assert [fault for each in declared for fault in violations(each)] == []


def test_fargate_stack_that_is_open_to_the_world_fails() -> None:
    declared = as_declared(resources(loadbalancerAllowCidrs="0.0.0.0/0", loadbalancerAllowWorld="true"))
    [fault] = [fault for each in declared for fault in violations(each)]
    assert fault.startswith("no-world-ingress: sociometer-from-0.0.0.0-0: 0.0.0.0/0 may reach it")
