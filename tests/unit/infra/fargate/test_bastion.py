"""The bastion: absent unless asked for, and then a machine that nobody can connect to."""

from __future__ import annotations

import json
import shlex

from infra.fargate.access import COMPONENT, copy_and_run, in_state
from infra.fargate.bastion import AMI_PARAMETER, start_script
from infra.outputs import BastionOutput, StackOutputs
from kit.paths import asset
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


def test_it_runs_debian_whose_image_the_policy_lets_us_look_up() -> None:
    """The tools are installed from Debian's packages."""
    policy = json.loads((asset("docs") / "fargate-policy-bastion.json").read_text())
    [image] = [each for each in policy["Statement"] if each["Sid"] == "MachineImage"]
    assert AMI_PARAMETER == "/aws/service/debian/release/12/latest/arm64"
    assert image["Resource"] == f"arn:aws:ssm:*::parameter{AMI_PARAMETER}"


def test_it_starts_with_a_script_that_knows_its_region_and_bucket(declared: Declared) -> None:
    machine = only(declared, "instance:Instance").inputs
    assert machine["userData"] == start_script("eu-west-2", "aws", "sociometer-bastion-exchange-id")
    assert machine["userDataReplaceOnChange"]
    assert "domain=amazonaws.com.cn\n" in start_script("cn-north-1", "aws-cn", "a-bucket")
    assert len(machine["userData"].encode()) < 16_384  # what EC2 takes


def test_the_outputs_name_it_and_one_command_reaches_it(outputs: StackOutputs) -> None:
    assert outputs.fargate is not None
    made = outputs.fargate.bastion
    assert made == BastionOutput(instance_id="sociometer-bastion-debian-id", bucket="sociometer-bastion-exchange-id")
    archive, start = copy_and_run(made, "eu-west-2").split(" && ")
    assert archive == (
        "git archive --format tar.gz HEAD | "
        "aws s3 cp --region eu-west-2 - s3://sociometer-bastion-exchange-id/sociometer.tar.gz"
    )
    assert shlex.split(start)[:6] == ["aws", "ssm", "start-session", "--region", "eu-west-2", "--target"]
    assert shlex.split(start)[-1] == 'command=["sudo sociometer-bastion"]'


def test_it_is_found_in_the_state_of_a_stack_whose_up_failed() -> None:
    known = {"type": COMPONENT, "outputs": {"instance_id": "i-1", "bucket": "b"}}
    assert in_state({"resources": [{"type": "a:b:C"}, known]}) == BastionOutput(instance_id="i-1", bucket="b")
    assert in_state({"resources": [{"type": COMPONENT}]}) is in_state({}) is None


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
