"""The bastion: absent unless asked for, and then a machine that nobody can connect to."""

from __future__ import annotations

import json

from tests.support.fargate_stack import MockedResource, of_type, only, resources

Declared = list[MockedResource]


def test_there_is_none_by_default() -> None:
    declared = resources(variants="movie")
    assert of_type(declared, "instance:Instance") == []
    assert of_type(declared, "s3/bucket:Bucket") == []


def test_it_is_a_small_arm_machine_of_todays_image_that_tomorrows_does_not_replace(declared: Declared) -> None:
    machine = only(declared, "instance:Instance")
    assert (machine.inputs["instanceType"], machine.inputs["ami"]) == ("t4g.small", "ami-0123456789abcdef0")
    assert machine.ignore_changes == ("ami",)
    assert machine.inputs["metadataOptions"]["httpTokens"] == "required"
    assert machine.inputs["rootBlockDevice"]["encrypted"]
    assert "keyName" not in machine.inputs


def test_nothing_may_connect_to_it(declared: Declared) -> None:
    (group,) = only(declared, "instance:Instance").inputs["vpcSecurityGroupIds"]
    assert group == "sociometer-bastion-id"
    assert group not in {each.inputs["securityGroupId"] for each in of_type(declared, "SecurityGroupIngressRule")}


def test_it_is_reached_through_ssm_and_fills_only_the_stacks_repositories(declared: Declared) -> None:
    attached = only(declared, "RolePolicyAttachment").inputs["policyArn"]
    assert attached == "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    policy = json.loads(only(declared, "rolePolicy:RolePolicy", "sociometer-bastion").inputs["policy"])
    _, images, bucket, files = policy["Statement"]
    assert "ecr:PutImage" in images["Action"]
    assert all("/sociometer/test/" in arn for arn in images["Resource"])
    assert bucket["Resource"].endswith("Bucket/sociometer-bastion-exchange")
    assert files["Resource"] == f"{bucket['Resource']}/*"


def test_its_bucket_is_private_and_empties_itself(declared: Declared) -> None:
    block = only(declared, "BucketPublicAccessBlock").inputs
    assert all(
        block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    )
    (rule,) = only(declared, "BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["status"], rule["expiration"]["days"]) == ("Enabled", 7)
    assert only(declared, "s3/bucket:Bucket").inputs["forceDestroy"]


def test_it_goes_before_the_gateway(declared: Declared) -> None:
    assert only(declared, "internetGateway:InternetGateway").urn in only(declared, "instance:Instance").dependencies
