"""An optional small build machine next to ECR, for users with a slow uplink or a system that cannot run the soci CLI.

It accepts no connections: access is through SSM Session Manager only. Files are exchanged through a bucket. Besides
that, its role may only fill the stack's repositories. To run `up` there, bring your own credentials. It runs Debian,
because the tools are installed from Debian's packages.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.fargate.access import COMPONENT
from infra.fargate.roles import PULL
from infra.fargate.rules import EVERYWHERE, HTTPS, allow_out

INSTANCE_TYPE = "t4g.small"
AMI_PARAMETER = "/aws/service/debian/release/12/latest/arm64"
"""Debian's own ("Cloud/AmazonEC2Image" in its wiki)."""
DISK_GIB = 40
EXCHANGE_DAYS = 7
HTTP = 80
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")
SSM_POLICY = "arn:{partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
START = Path(__file__).with_name("bastion_start.sh")
DOMAINS = {"aws-cn": "amazonaws.com.cn"}
"""Domains of AWS's endpoints by partition, where it is not the usual one."""


@dataclass(frozen=True)
class BastionArgs:
    """A public subnet (the machine downloads tools), its AMI, and the repositories that it may push to."""

    partition: str
    region: str
    vpc_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    ami: pulumi.Input[str]
    repository_arns: Sequence[pulumi.Input[str]]


class Bastion(pulumi.ComponentResource):
    """The instance, its role, a security group without ingress, and the exchange bucket."""

    def __init__(
        self,
        name: str,
        args: BastionArgs,
        gateway: aws.ec2.InternetGateway | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(COMPONENT, name, None, opts)
        self._name, self._args = name, args
        self._child_opts = pulumi.ResourceOptions(parent=self)
        self.bucket = self._bucket()
        self.instance = self._instance(self._profile(), self._group(), gateway)
        self.output = {"instance_id": self.instance.id, "bucket": self.bucket.id}
        self.register_outputs(self.output)

    def _bucket(self) -> aws.s3.Bucket:
        bucket = aws.s3.Bucket(f"{self._name}-exchange", force_destroy=True, opts=self._child_opts)
        aws.s3.BucketPublicAccessBlock(
            f"{self._name}-exchange",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child_opts,
        )
        rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="exchange",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=EXCHANGE_DAYS),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-exchange", bucket=bucket.id, rules=[rule], opts=self._child_opts
        )
        return bucket

    def _profile(self) -> aws.iam.InstanceProfile:
        role = aws.iam.Role(
            self._name,
            description="The build machine of a Sociometer stack: SSM, its repositories, its exchange bucket",
            assume_role_policy=json.dumps(_TRUST, sort_keys=True),
            opts=self._child_opts,
        )
        aws.iam.RolePolicyAttachment(
            f"{self._name}-ssm",
            role=role.name,
            policy_arn=SSM_POLICY.format(partition=self._args.partition),
            opts=self._child_opts,
        )
        policy = _policy(self._args.repository_arns, self.bucket.arn)
        aws.iam.RolePolicy(
            self._name,
            role=role.name,
            policy=pulumi.Output.json_dumps(policy, sort_keys=True),
            opts=self._child_opts,
        )
        return aws.iam.InstanceProfile(self._name, role=role.name, opts=self._child_opts)

    def _group(self) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            self._name,
            description="Build machine: nothing comes in, HTTP and HTTPS go out",
            vpc_id=self._args.vpc_id,
            opts=self._child_opts,
        )
        for port in (HTTP, HTTPS):
            allow_out(f"{self._name}-out-{port}", group, port, opts=self._child_opts, cidr_ipv4=EVERYWHERE)
        return group

    def _instance(
        self, profile: aws.iam.InstanceProfile, group: aws.ec2.SecurityGroup, gateway: aws.ec2.InternetGateway | None
    ) -> aws.ec2.Instance:
        args = self._args
        return aws.ec2.Instance(
            f"{self._name}-debian",  # one of another system cannot become it, and goes
            ami=self._args.ami,
            instance_type=INSTANCE_TYPE,
            subnet_id=self._args.subnet_id,
            vpc_security_group_ids=[group.id],
            associate_public_ip_address=True,
            iam_instance_profile=profile.name,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(http_endpoint="enabled", http_tokens="required"),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                encrypted=True, volume_size=DISK_GIB, volume_type="gp3", delete_on_termination=True
            ),
            user_data=self.bucket.id.apply(lambda bucket: start_script(args.region, args.partition, bucket)),
            user_data_replace_on_change=True,  # it runs at the first boot only
            tags={"Name": self._name},
            # The parameter names a new AMI every other week, which is no reason to replace the machine. The gateway
            # cannot be deleted while the machine has a public address.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["ami"], depends_on=[gateway] if gateway else None),
        )


def start_script(region: str, partition: str, bucket: str) -> str:
    """What the machine does at its first boot."""
    values = {"region": region, "bucket": bucket, "domain": DOMAINS.get(partition, "amazonaws.com")}
    lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join(("#!/bin/sh", *lines, START.read_text()))


_TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def _policy(repository_arns: Sequence[pulumi.Input[str]], bucket_arn: pulumi.Input[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": [*PULL, *PUSH], "Resource": list(repository_arns)},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket_arn},
            {
                "Effect": "Allow",
                "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                "Resource": pulumi.Output.concat(bucket_arn, "/*"),
            },
        ],
    }
