"""Every type that the stand-in knows, by the token that the engine uses."""

from __future__ import annotations

from collections.abc import Mapping

from tests.standin.aws import ecr, ecs, iam, instance, lb, listener, logs, network, routes, s3, security
from tests.standin.aws.base import AwsResource
from tests.standin.aws.client import Aws
from tests.standin.aws.functions import functions

__all__ = ["TYPES", "functions", "resources"]

TYPES: Mapping[str, type[AwsResource]] = {
    "aws:ec2/vpc:Vpc": network.Vpc,
    "aws:ec2/internetGateway:InternetGateway": network.InternetGateway,
    "aws:ec2/subnet:Subnet": network.Subnet,
    "aws:ec2/routeTable:RouteTable": routes.RouteTable,
    "aws:ec2/route:Route": routes.Route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": routes.RouteTableAssociation,
    "aws:ec2/vpcEndpoint:VpcEndpoint": routes.VpcEndpoint,
    "aws:ec2/securityGroup:SecurityGroup": security.SecurityGroup,
    "aws:ec2/instance:Instance": instance.Instance,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": security.IngressRule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": security.EgressRule,
    "aws:lb/loadBalancer:LoadBalancer": lb.LoadBalancer,
    "aws:lb/targetGroup:TargetGroup": lb.TargetGroup,
    "aws:lb/listener:Listener": listener.Listener,
    "aws:lb/listenerRule:ListenerRule": listener.ListenerRule,
    "aws:ecr/repository:Repository": ecr.Repository,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ecr.LifecyclePolicy,
    "aws:ecs/cluster:Cluster": ecs.Cluster,
    "aws:ecs/taskDefinition:TaskDefinition": ecs.TaskDefinition,
    "aws:ecs/service:Service": ecs.Service,
    "aws:iam/role:Role": iam.Role,
    "aws:iam/rolePolicy:RolePolicy": iam.RolePolicy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": iam.RolePolicyAttachment,
    "aws:iam/instanceProfile:InstanceProfile": iam.InstanceProfile,
    "aws:cloudwatch/logGroup:LogGroup": logs.LogGroup,
    "aws:s3/bucket:Bucket": s3.Bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": s3.PublicAccessBlock,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": s3.Encryption,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": s3.Lifecycle,
}


def resources(aws: Aws) -> Mapping[str, AwsResource]:
    """The types for one configured provider."""
    return {token: kind(aws) for token, kind in TYPES.items()}
