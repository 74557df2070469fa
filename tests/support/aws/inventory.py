"""Everything that a stack of ours can leave on an AWS account, service by service, as short names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from tests.support.aws.server import AwsServer


def inventory(server: AwsServer) -> set[str]:
    """What there is now; compare it with what there was before."""
    parts = (_network, _machines, _load_balancing, _containers, _identities, _storage)
    return set(chain.from_iterable(part(server) for part in parts))


def _network(server: AwsServer) -> Iterator[str]:
    ec2 = server.client("ec2")
    yield from _each(ec2.describe_vpcs(), "Vpcs", "VpcId")
    yield from _each(ec2.describe_subnets(), "Subnets", "SubnetId")
    yield from _each(ec2.describe_internet_gateways(), "InternetGateways", "InternetGatewayId")
    yield from _each(ec2.describe_nat_gateways(), "NatGateways", "NatGatewayId")
    yield from _each(ec2.describe_addresses(), "Addresses", "AllocationId")
    yield from _each(ec2.describe_route_tables(), "RouteTables", "RouteTableId")
    yield from _each(ec2.describe_vpc_endpoints(), "VpcEndpoints", "VpcEndpointId")
    yield from _each(ec2.describe_security_groups(), "SecurityGroups", "GroupId")
    yield from _each(ec2.describe_security_group_rules(), "SecurityGroupRules", "SecurityGroupRuleId")


def _machines(server: AwsServer) -> Iterator[str]:
    ec2 = server.client("ec2")
    alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    reservations = ec2.describe_instances(Filters=[alive])["Reservations"]
    instances = {instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]}
    yield from instances
    for volume in ec2.describe_volumes()["Volumes"]:
        # AWS deletes it with its instance; the local server forgets to.
        goes_with = {entry["InstanceId"] for entry in volume["Attachments"] if entry["DeleteOnTermination"]}
        if not goes_with or goes_with & instances:
            yield volume["VolumeId"]


def _load_balancing(server: AwsServer) -> Iterator[str]:
    elb = server.client("elbv2")
    balancers = elb.describe_load_balancers()
    yield from _each(balancers, "LoadBalancers", "LoadBalancerArn")
    yield from _each(elb.describe_target_groups(), "TargetGroups", "TargetGroupArn")
    for balancer in balancers["LoadBalancers"]:
        listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])
        yield from _each(listeners, "Listeners", "ListenerArn")
        for listener in listeners["Listeners"]:
            yield from _each(elb.describe_rules(ListenerArn=listener["ListenerArn"]), "Rules", "RuleArn")


def _containers(server: AwsServer) -> Iterator[str]:
    ecr, ecs = server.client("ecr"), server.client("ecs")
    yield from _each(ecr.describe_repositories(), "repositories", "repositoryArn")
    clusters = ecs.list_clusters()["clusterArns"]
    yield from clusters
    yield from ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    for cluster in clusters:
        yield from ecs.list_services(cluster=cluster)["serviceArns"]
        yield from ecs.list_tasks(cluster=cluster)["taskArns"]


def _identities(server: AwsServer) -> Iterator[str]:
    iam = server.client("iam")
    roles = iam.list_roles()
    yield from _each(roles, "Roles", "Arn")
    for role in roles["Roles"]:
        name = role["RoleName"]
        yield from (f"{name}/{policy}" for policy in iam.list_role_policies(RoleName=name)["PolicyNames"])
        yield from _each(iam.list_attached_role_policies(RoleName=name), "AttachedPolicies", "PolicyArn")
    yield from _each(iam.list_instance_profiles(), "InstanceProfiles", "Arn")


def _storage(server: AwsServer) -> Iterator[str]:
    yield from _each(server.client("logs").describe_log_groups(), "logGroups", "arn")
    yield from _each(server.client("s3").list_buckets(), "Buckets", "Name")


def _each(answer: dict[str, Any], key: str, name: str) -> Iterator[str]:
    for entry in answer[key]:
        yield str(entry[name])
