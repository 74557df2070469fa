"""Every type of the stand-in for the aws provider against a real AWS server: made, read, changed, unmade, gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.standin.aws.base import AwsResource
from tests.standin.aws.client import Aws
from tests.standin.aws.table import TYPES, resources
from tests.standin.values import Properties
from tests.support.aws.inventory import inventory
from tests.support.aws.plugins import provider_standins
from tests.support.aws.sent import SENT, actions, noted
from tests.support.aws.server import REGION, AwsServer, aws_server
from tests.support.permissions import in_the_table

TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
RIGHTS = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
NOT_FOUND = {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def expire(days: int) -> str:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def containers(name: str) -> str:
    return json.dumps([{"name": name, "image": "nginx", "portMappings": [{"containerPort": 80}]}])


@dataclass
class Parents:
    """What the types under test lie in; made on first use, each once, and unmade in reverse."""

    types: dict[str, AwsResource]
    made: dict[str, tuple[str, str, Properties]] = field(default_factory=dict)

    def make(self, name: str, token: str, /, **inputs: Any) -> Properties:
        if name not in self.made:
            resource = self.types[token]
            known = resource.check(inputs, {})
            identity, outputs = resource.create(known)
            live = resource.read(identity, known | outputs)
            assert live is not None
            self.made[name] = token, identity, known | outputs | live | {"id": identity}
        return self.made[name][2]

    def unmake(self) -> None:
        for token, identity, known in reversed(self.made.values()):
            self.types[token].delete(identity, known)

    @property
    def vpc(self) -> str:
        return str(self.make("vpc", "aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16")["id"])

    def subnet(self, number: int) -> str:
        where = {"cidrBlock": f"10.1.{number}.0/24", "availabilityZone": f"{REGION}{'abc'[number]}"}
        return str(self.make(f"subnet-{number}", "aws:ec2/subnet:Subnet", vpcId=self.vpc, **where)["id"])

    def table(self, number: int) -> str:
        return str(self.make(f"table-{number}", "aws:ec2/routeTable:RouteTable", vpcId=self.vpc)["id"])

    def gateway(self) -> str:
        return str(self.make("gateway", "aws:ec2/internetGateway:InternetGateway", vpcId=self.vpc)["id"])

    def group(self, name: str) -> str:
        return str(self.make(name, "aws:ec2/securityGroup:SecurityGroup", name=name, vpcId=self.vpc)["id"])

    def balancer(self) -> str:
        subnets = [self.subnet(0), self.subnet(1)]
        return str(self.make("lb", "aws:lb/loadBalancer:LoadBalancer", name="lb", subnets=subnets)["id"])

    def listener(self) -> str:
        inputs = {"loadBalancerArn": self.balancer(), "port": 80, "protocol": "HTTP", "defaultActions": [NOT_FOUND]}
        return str(self.make("listener", "aws:lb/listener:Listener", **inputs)["id"])

    def target_group(self) -> str:
        inputs = {"name": "tg", "vpcId": self.vpc, "port": 80, "protocol": "HTTP", "targetType": "ip"}
        return str(self.make("tg", "aws:lb/targetGroup:TargetGroup", **inputs)["id"])

    def role(self, name: str) -> str:
        return str(self.make(name, "aws:iam/role:Role", name=name, assumeRolePolicy=policy(**TRUST))["id"])

    def cluster(self) -> str:
        return str(self.make("cluster", "aws:ecs/cluster:Cluster", name="parent")["id"])

    def task(self, family: str) -> str:
        inputs = {"family": family, "containerDefinitions": containers("web")}
        return str(self.make(family, "aws:ecs/taskDefinition:TaskDefinition", **inputs)["arn"])

    def repository(self) -> str:
        return str(self.make("repository", "aws:ecr/repository:Repository", name="parent")["id"])

    def bucket(self) -> str:
        return str(self.make("bucket", "aws:s3/bucket:Bucket", bucket="parent", forceDestroy=True)["id"])


NEVER_GONE = {"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"}
"""AWS encrypts every bucket, whatever it is told."""

Case = Callable[[Parents], tuple[Properties, Properties]]
"""Inputs, and those to change in place afterwards."""


def rule(has: Parents) -> tuple[Properties, Properties]:
    ports = {"ipProtocol": "tcp", "fromPort": 80, "toPort": 80}
    return {"securityGroupId": has.group("a"), "cidrIpv4": "10.0.0.0/8", **ports}, {"cidrIpv4": "10.1.0.0/16"}


def endpoint(has: Parents) -> tuple[Properties, Properties]:
    service = {"serviceName": f"com.amazonaws.{REGION}.s3", "vpcEndpointType": "Gateway"}
    inputs = {"vpcId": has.vpc, "routeTableIds": [has.table(0)], **service}
    return inputs, {"routeTableIds": [has.table(1)]}


def instance(has: Parents) -> tuple[Properties, Properties]:
    inputs = {
        "ami": "ami-0123456789abcdef0",
        "instanceType": "t4g.small",
        "subnetId": has.subnet(0),
        "vpcSecurityGroupIds": [has.group("a")],
        "rootBlockDevice": {"volumeSize": 40, "volumeType": "gp3", "encrypted": True, "deleteOnTermination": True},
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required"},
    }
    return inputs, {}


def load_balancer(has: Parents) -> tuple[Properties, Properties]:
    subnets = [has.subnet(0), has.subnet(1)]
    inputs = {"name": "it", "subnets": subnets, "securityGroups": [has.group("a")], "idleTimeout": 30}
    new = {"subnets": [has.subnet(0), has.subnet(2)], "securityGroups": [has.group("b")], "idleTimeout": 40}
    return inputs, new | {"dropInvalidHeaderFields": True}


def target_group(has: Parents) -> tuple[Properties, Properties]:
    health = {"path": "/", "interval": 10, "timeout": 4, "matcher": "200", "healthyThreshold": 2}
    inputs = {"name": "it", "vpcId": has.vpc, "port": 80, "protocol": "HTTP", "targetType": "ip"}
    return inputs | {"healthCheck": health}, {"healthCheck": health | {"interval": 5}, "deregistrationDelay": 10}


def listener(has: Parents) -> tuple[Properties, Properties]:
    inputs = {"loadBalancerArn": has.balancer(), "port": 81, "protocol": "HTTP", "defaultActions": [NOT_FOUND]}
    return inputs, {"port": 82}


def listener_rule(has: Parents) -> tuple[Properties, Properties]:
    condition = {"httpHeader": {"httpHeaderName": "X-Route", "values": ["a"]}}
    action = {"type": "forward", "targetGroupArn": has.target_group()}
    inputs = {"listenerArn": has.listener(), "priority": 1, "conditions": [condition], "actions": [action]}
    return inputs, {"priority": 2, "actions": [NOT_FOUND]}


def service(has: Parents) -> tuple[Properties, Properties]:
    network = {"subnets": [has.subnet(0)], "securityGroups": [has.group("a")], "assignPublicIp": False}
    inputs = {
        "name": "it",
        "cluster": has.cluster(),
        "taskDefinition": has.task("one"),
        "desiredCount": 0,
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "networkConfiguration": network,
        "deploymentMaximumPercent": 100,
        "deploymentMinimumHealthyPercent": 0,
        "enableEcsManagedTags": True,
    }
    return inputs, {"taskDefinition": has.task("two"), "desiredCount": 2, "deploymentMaximumPercent": 150}


CASES: dict[str, Case] = {
    "aws:ec2/vpc:Vpc": lambda _has: ({"cidrBlock": "10.2.0.0/16"}, {"enableDnsHostnames": True}),
    "aws:ec2/internetGateway:InternetGateway": lambda has: (
        {"vpcId": has.make("other", "aws:ec2/vpc:Vpc", cidrBlock="10.3.0.0/16")["id"]},
        {},
    ),
    "aws:ec2/subnet:Subnet": lambda has: (
        {"vpcId": has.vpc, "cidrBlock": "10.1.9.0/24", "availabilityZone": f"{REGION}a"},
        {"mapPublicIpOnLaunch": True},
    ),
    "aws:ec2/routeTable:RouteTable": lambda has: ({"vpcId": has.vpc}, {}),
    "aws:ec2/route:Route": lambda has: (
        {"routeTableId": has.table(0), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": has.gateway()},
        {},
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda has: (
        {"routeTableId": has.table(0), "subnetId": has.subnet(0)},
        {},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": endpoint,
    "aws:ec2/securityGroup:SecurityGroup": lambda has: (
        {"name": "it", "vpcId": has.vpc, "description": "a group"},
        {},
    ),
    "aws:ec2/instance:Instance": instance,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": rule,
    "aws:lb/loadBalancer:LoadBalancer": load_balancer,
    "aws:lb/targetGroup:TargetGroup": target_group,
    "aws:lb/listener:Listener": listener,
    "aws:lb/listenerRule:ListenerRule": listener_rule,
    "aws:ecr/repository:Repository": lambda _has: (
        {"name": "it", "imageTagMutability": "MUTABLE"},
        {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lambda has: ({"repository": has.repository(), "policy": expire(7)}, {}),
    "aws:ecs/cluster:Cluster": lambda _has: (
        {"name": "it"},
        {"settings": [{"name": "containerInsights", "value": "disabled"}]},
    ),
    "aws:ecs/taskDefinition:TaskDefinition": lambda _has: (
        {"family": "it", "cpu": "256", "memory": "512", "containerDefinitions": containers("web")},
        {},
    ),
    "aws:ecs/service:Service": service,
    "aws:iam/role:Role": lambda _has: (
        {"name": "it", "assumeRolePolicy": policy(**TRUST)},
        {"assumeRolePolicy": policy(**TRUST, Sid="Tasks"), "description": "of a test"},
    ),
    "aws:iam/rolePolicy:RolePolicy": lambda has: (
        {"name": "it", "role": has.role("a-role"), "policy": policy(**RIGHTS)},
        {"policy": policy(**RIGHTS, Sid="Token")},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda has: (
        {"role": has.role("a-role"), "policyArn": MANAGED},
        {},
    ),
    "aws:iam/instanceProfile:InstanceProfile": lambda has: (
        {"name": "it", "role": has.role("a-role")},
        {"role": has.role("b-role")},
    ),
    "aws:cloudwatch/logGroup:LogGroup": lambda _has: ({"name": "it", "retentionInDays": 7}, {"retentionInDays": 30}),
    "aws:s3/bucket:Bucket": lambda _has: ({"bucket": "the-bucket"}, {"forceDestroy": True}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda has: (
        {"bucket": has.bucket(), "blockPublicAcls": True},
        {"blockPublicPolicy": True},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": lambda has: (
        {"bucket": has.bucket(), "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        {},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lambda has: (
        {"bucket": has.bucket(), "rules": [{"id": "a", "status": "Enabled", "expiration": {"days": 7}}]},
        {"rules": [{"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 8}}]},
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with aws_server() as running, provider_standins(running):
        yield running


@pytest.fixture(scope="module")
def types(server: AwsServer) -> dict[str, AwsResource]:
    return dict(resources(Aws(REGION, {"stack": "test"})))


@pytest.fixture(scope="module")
def parents(server: AwsServer, types: dict[str, AwsResource]) -> Iterator[Parents]:
    before = inventory(server)
    parents = Parents(types)
    yield parents
    parents.unmake()
    assert inventory(server) == before


def agrees(live: Properties | None, inputs: Properties) -> bool:
    """What AWS says of the inputs is what they say."""
    return live is not None and all(live.get(key, value) == value for key, value in inputs.items())


def test_there_is_a_case_for_every_type() -> None:
    assert CASES.keys() == TYPES.keys()


@pytest.mark.parametrize("token", TYPES)
def test_type_is_made_read_changed_and_unmade(token: str, parents: Parents, types: dict[str, AwsResource]) -> None:
    resource, (given, change) = types[token], CASES[token](parents)
    inputs = resource.check(given, {})
    assert inputs.keys() - {"tagsAll"} <= resource.inputs
    identity, outputs = resource.create(inputs)
    known = inputs | outputs
    assert agrees(resource.read(identity, known), inputs)
    assert not change.keys() & resource.replaces
    changed = resource.check(given | change, inputs)
    outputs |= resource.update(identity, inputs, changed)
    live = resource.read(identity, changed | outputs)
    assert agrees(live, changed)
    resource.delete(identity, changed | outputs | (live or {}))
    assert (resource.read(identity, changed | outputs) is None) == (token not in NEVER_GONE)
    resource.delete(identity, changed | outputs | (live or {}))


@pytest.mark.parametrize("token", [token for token, kind in TYPES.items() if kind.tagged])
def test_tags_are_set_and_taken_away(token: str, parents: Parents, types: dict[str, AwsResource]) -> None:
    resource, (given, _) = types[token], CASES[token](parents)
    inputs = resource.check(given | {"tags": {"a": "1", "b": "2"}}, {})
    identity, outputs = resource.create(inputs)
    known = inputs | outputs | (resource.read(identity, inputs | outputs) or {})
    changed = resource.check(given | {"tags": {"b": "3"}}, inputs)
    resource.update(identity, inputs, changed)
    live = resource.read(identity, known | changed)
    assert agrees(live, {"tagsAll": {"stack": "test", "b": "3"}})
    resource.delete(identity, known)


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file in which what a test sends to AWS is noted."""
    monkeypatch.setenv(SENT, str(tmp_path / "sent"))
    with noted():
        yield tmp_path / "sent"


def test_a_cluster_s_tags_are_listed_after_its_update_as_the_provider_lists_them(
    parents: Parents, types: dict[str, AwsResource], sent: Path
) -> None:
    cluster, (given, _) = types["aws:ecs/cluster:Cluster"], CASES["aws:ecs/cluster:Cluster"](parents)
    inputs = cluster.check(given, {})
    identity, _ = cluster.create(inputs)
    assert "ecs:ListTagsForResource" not in actions(sent)
    cluster.update(identity, inputs, cluster.check(given | {"tags": {"owner": "me"}}, inputs))
    assert {"ecs:TagResource", "ecs:ListTagsForResource"} <= actions(sent) <= in_the_table()
    cluster.delete(identity, inputs)


def test_a_machine_s_security_groups_are_changed_at_its_network_interface(
    parents: Parents, types: dict[str, AwsResource], sent: Path
) -> None:
    """The local AWS has no such operation, and says so; what was asked is what the policy must allow."""
    machine, (given, _) = types["aws:ec2/instance:Instance"], CASES["aws:ec2/instance:Instance"](parents)
    inputs = machine.check(given, {})
    identity, _ = machine.create(inputs)
    with pytest.raises(ClientError, match="ModifyNetworkInterfaceAttribute"):
        machine.update(identity, inputs, inputs | {"vpcSecurityGroupIds": [parents.group("b")]})
    assert "ec2:ModifyNetworkInterfaceAttribute" in actions(sent) & in_the_table()
    machine.delete(identity, inputs)
