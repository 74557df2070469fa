"""Which IAM actions each part of the Fargate target asks for: of a resource type, of a look-up, of a boto3 call.

The actions of a resource type are those with which the AWS provider creates, tags, reads, updates and deletes it, in
the way the program declares it (Terraform AWS provider, ``internal/service``; the service authorization reference for
those that depend on others). What the runs against a local AWS send is a part of them, and they check it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel

from tests.support.sources import modules, nodes

_EC2_TAGS = ("ec2:CreateTags", "ec2:DeleteTags")
_ELB_TAGS = (
    "elasticloadbalancing:AddTags",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:RemoveTags",
)
_ECS_TAGS = ("ecs:TagResource", "ecs:UntagResource")
_ECR_TAGS = ("ecr:ListTagsForResource", "ecr:TagResource", "ecr:UntagResource")
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH = (
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


def _named(service: str, *operations: str) -> tuple[str, ...]:
    return tuple(f"{service}:{operation}" for operation in operations)


RESOURCES: Mapping[str, tuple[str, ...]] = {
    "aws:ec2/vpc:Vpc": (
        *_named("ec2", "CreateVpc", "DescribeVpcs", "DescribeVpcAttribute", "ModifyVpcAttribute", "DeleteVpc"),
        *_named("ec2", "DescribeNetworkAcls", "DescribeRouteTables", "DescribeSecurityGroups"),  # its default ones
        *_EC2_TAGS,
    ),
    "aws:ec2/subnet:Subnet": (
        *_named("ec2", "CreateSubnet", "DescribeSubnets", "ModifySubnetAttribute", "DeleteSubnet"),
        "ec2:DescribeNetworkInterfaces",
        *_EC2_TAGS,
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        *_named("ec2", "CreateInternetGateway", "AttachInternetGateway", "DescribeInternetGateways"),
        *_named("ec2", "DetachInternetGateway", "DeleteInternetGateway"),
        *_EC2_TAGS,
    ),
    "aws:ec2/routeTable:RouteTable": (
        *_named("ec2", "CreateRouteTable", "DescribeRouteTables", "DisassociateRouteTable", "DeleteRouteTable"),
        *_EC2_TAGS,
    ),
    "aws:ec2/route:Route": _named("ec2", "CreateRoute", "DescribeRouteTables", "ReplaceRoute", "DeleteRoute"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _named(
        "ec2", "AssociateRouteTable", "DescribeRouteTables", "ReplaceRouteTableAssociation", "DisassociateRouteTable"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        *_named("ec2", "CreateVpcEndpoint", "DescribeVpcEndpoints", "ModifyVpcEndpoint", "DeleteVpcEndpoints"),
        *_named("ec2", "DescribePrefixLists", "DescribeNetworkInterfaces"),
        "route53:AssociateVPCWithHostedZone",  # CreateVpcEndpoint with private DNS depends on it
        *_EC2_TAGS,
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        *_named("ec2", "CreateSecurityGroup", "DescribeSecurityGroups", "DeleteSecurityGroup"),
        *_named("ec2", "RevokeSecurityGroupEgress", "DescribeNetworkInterfaces"),  # the rule that AWS puts there
        *_EC2_TAGS,
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        *_named("ec2", "AuthorizeSecurityGroupIngress", "DescribeSecurityGroupRules", "ModifySecurityGroupRules"),
        "ec2:RevokeSecurityGroupIngress",
        *_EC2_TAGS,
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        *_named("ec2", "AuthorizeSecurityGroupEgress", "DescribeSecurityGroupRules", "ModifySecurityGroupRules"),
        "ec2:RevokeSecurityGroupEgress",
        *_EC2_TAGS,
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        *_named("elasticloadbalancing", "CreateLoadBalancer", "DescribeLoadBalancers", "DeleteLoadBalancer"),
        *_named("elasticloadbalancing", "DescribeLoadBalancerAttributes", "ModifyLoadBalancerAttributes"),
        *_named("elasticloadbalancing", "DescribeCapacityReservation", "SetSecurityGroups", "SetSubnets"),
        "ec2:DescribeNetworkInterfaces",  # until it is really gone
        # What Elastic Load Balancing asks of EC2 in the caller's name ("Elastic Load Balancing API permissions" in its
        # user guide); the last one is not on that page, and CreateLoadBalancer and SetSecurityGroups fail without it.
        *_named("ec2", "DescribeAccountAttributes", "DescribeAddresses", "DescribeInternetGateways"),
        *_named("ec2", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs", "GetSecurityGroupsForVpc"),
        "iam:CreateServiceLinkedRole",  # the first one in an account
        *_ELB_TAGS,
    ),
    "aws:lb/listener:Listener": (
        *_named("elasticloadbalancing", "CreateListener", "DescribeListeners", "ModifyListener", "DeleteListener"),
        *_named("elasticloadbalancing", "DescribeListenerAttributes", "ModifyListenerAttributes"),
        *_ELB_TAGS,
    ),
    "aws:lb/listenerRule:ListenerRule": (
        *_named("elasticloadbalancing", "CreateRule", "DescribeRules", "ModifyRule", "DeleteRule"),
        "elasticloadbalancing:SetRulePriorities",
        *_ELB_TAGS,
    ),
    "aws:lb/targetGroup:TargetGroup": (
        *_named("elasticloadbalancing", "CreateTargetGroup", "DescribeTargetGroups", "DeleteTargetGroup"),
        *_named("elasticloadbalancing", "ModifyTargetGroup", "DescribeTargetGroupAttributes"),
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        *_named("ec2", "DescribeInternetGateways", "DescribeVpcs"),  # the same page, CreateTargetGroup
        *_ELB_TAGS,
    ),
    "aws:ecs/cluster:Cluster": (
        *_named("ecs", "CreateCluster", "DescribeClusters", "UpdateCluster", "DeleteCluster"),
        "ecs:ListTagsForResource",  # its update does not read it again, so the tag interceptor asks for its tags
        "iam:CreateServiceLinkedRole",
        *_ECS_TAGS,
    ),
    "aws:ecs/taskDefinition:TaskDefinition": (
        *_named("ecs", "RegisterTaskDefinition", "DescribeTaskDefinition", "DeregisterTaskDefinition"),
        "iam:PassRole",
        *_ECS_TAGS,
    ),
    "aws:ecs/service:Service": (
        *_named("ecs", "CreateService", "DescribeServices", "UpdateService", "DeleteService"),
        *_ECS_TAGS,
    ),
    "aws:ecr/repository:Repository": (
        *_named("ecr", "CreateRepository", "DescribeRepositories", "DeleteRepository"),
        *_named("ecr", "PutImageTagMutability", "PutImageScanningConfiguration"),
        *_ECR_TAGS,
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _named(
        "ecr", "PutLifecyclePolicy", "GetLifecyclePolicy", "DeleteLifecyclePolicy"
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        *_named("logs", "CreateLogGroup", "DescribeLogGroups", "PutRetentionPolicy", "DeleteLogGroup"),
        *_named("logs", "ListTagsForResource", "TagResource", "UntagResource"),
    ),
    "aws:iam/role:Role": (
        *_named("iam", "CreateRole", "GetRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy"),
        *_named("iam", "DeleteRole", "ListRolePolicies", "ListAttachedRolePolicies", "ListInstanceProfilesForRole"),
        *_named("iam", "TagRole", "UntagRole"),
    ),
    "aws:iam/rolePolicy:RolePolicy": _named("iam", "PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _named(
        "iam", "AttachRolePolicy", "ListAttachedRolePolicies", "DetachRolePolicy"
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        *_named("iam", "CreateInstanceProfile", "GetInstanceProfile", "DeleteInstanceProfile"),
        *_named("iam", "AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"),
        *_named("iam", "TagInstanceProfile", "UntagInstanceProfile"),
    ),
    "aws:ec2/instance:Instance": (
        *_named("ec2", "RunInstances", "DescribeInstances", "DescribeInstanceTypes", "DescribeInstanceAttribute"),
        *_named("ec2", "DescribeInstanceCreditSpecifications", "DescribeVolumes", "DescribeImages", "DescribeTags"),
        *_named("ec2", "ModifyInstanceAttribute", "ModifyInstanceMetadataOptions"),
        "ec2:ModifyNetworkInterfaceAttribute",  # its security groups are those of its network interface
        *_named("ec2", "StopInstances", "StartInstances", "TerminateInstances"),
        "iam:PassRole",
        *_EC2_TAGS,
    ),
    "aws:s3/bucket:Bucket": (
        *_named("s3", "CreateBucket", "ListBucket", "DeleteBucket", "GetBucketLocation", "GetBucketPolicy"),
        *_named("s3", "GetBucketAcl", "GetBucketCORS", "GetBucketWebsite", "GetBucketVersioning"),
        *_named("s3", "GetAccelerateConfiguration", "GetBucketRequestPayment", "GetBucketLogging"),
        *_named("s3", "GetLifecycleConfiguration", "GetReplicationConfiguration", "GetEncryptionConfiguration"),
        *_named("s3", "GetBucketObjectLockConfiguration", "GetBucketTagging", "PutBucketTagging"),
        *_named("s3", "ListTagsForResource", "TagResource", "UntagResource"),  # in their place, since provider 6
        *_named("s3", "ListBucketVersions", "DeleteObject", "DeleteObjectVersion"),  # what lies in it goes first
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _named(
        "s3", "PutBucketPublicAccessBlock", "GetBucketPublicAccessBlock"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _named(
        "s3", "PutLifecycleConfiguration", "GetLifecycleConfiguration"
    ),
    # Over the registry's own API ("Pushing an image", "Pulling an image": Amazon ECR user guide).
    "docker:index/image:Image": (*_PULL, *_PUSH),
    "pulumi-python:dynamic/sociometer:SociImage": (*_PULL, *_PUSH),
    "pulumi-python:dynamic/sociometer:SourceImage": (*_PULL, *_PUSH),
    "pulumi-python:dynamic/sociometer:FirstPush": _PULL,
    "pulumi:providers:aws": ("sts:GetCallerIdentity",),
    "pulumi:providers:pulumi-python": (),
}
"""By the type's token; a type without an entry makes the test fail."""

LOOK_UPS: Mapping[str, tuple[str, ...]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": ("sts:GetCallerIdentity",),
    "aws:index/getAvailabilityZones:getAvailabilityZones": ("ec2:DescribeAvailabilityZones",),
    "aws:ec2/getVpcs:getVpcs": ("ec2:DescribeVpcs",),
    "aws:ec2/getSubnets:getSubnets": ("ec2:DescribeSubnets",),
    # Its tags are not taken from the description: the provider's tags interceptor asks for them.
    "aws:ec2/getSubnet:getSubnet": ("ec2:DescribeSubnets", "ec2:DescribeTags"),
    "aws:ec2/getSecurityGroups:getSecurityGroups": ("ec2:DescribeSecurityGroups",),
    "aws:ec2/getRouteTables:getRouteTables": ("ec2:DescribeRouteTables",),
    # It leaves out routes to network interfaces of other accounts, so it looks at whose they are.
    "aws:ec2/getRouteTable:getRouteTable": ("ec2:DescribeRouteTables", "ec2:DescribeNetworkInterfaces"),
    "aws:ssm/getParameter:getParameter": ("ssm:GetParameter",),
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": ("ecr:GetAuthorizationToken",),
}


def in_the_table() -> set[str]:
    """Every action of the table, and those of our own calls."""
    listed = (action for actions in (*RESOURCES.values(), *LOOK_UPS.values()) for action in actions)
    return called_by_boto3().union(listed)


def called_by_boto3() -> set[str]:
    """The actions behind every boto3 operation that our code names, found in its source."""
    return {action for module in modules() for action in _called_in(nodes(module))}


def _called_in(code: Sequence[ast.AST]) -> Iterator[str]:
    attributes = {node.attr for node in code if isinstance(node, ast.Attribute)}
    for service in _services(code):
        model = ServiceModel(Loader().load_service_model(service, "service-2"))
        for operation in model.operation_names:
            if xform_name(operation) in attributes:
                yield f"{model.signing_name}:{operation}"


def _services(code: Sequence[ast.AST]) -> Iterator[str]:
    """The services that a module opens clients of: ``….client("ecs", …)``."""
    for node in code:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client":
            [name] = [each.value for each in node.args[:1] if isinstance(each, ast.Constant)]
            yield str(name)
