"""How a user reaches the bastion: by one command that copies the checkout there and opens a shell on it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from infra.outputs import BastionOutput

COMPONENT = "sociometer:fargate:Bastion"
ARCHIVE = "sociometer.tar.gz"
PROGRAM = "sociometer-bastion"
"""What the bastion's start script calls the command that sets the checkout up."""


def copy_and_run(bastion: BastionOutput, region: str) -> str:
    """One line of shell, to be typed in a checkout: copies what is committed, and opens a root shell on the bastion."""
    at = shlex.join(["--region", region])
    run = shlex.quote(f'command=["sudo {PROGRAM}"]')
    return (
        f"git archive --format tar.gz HEAD | aws s3 cp {at} - s3://{bastion.bucket}/{ARCHIVE} && "
        f"aws ssm start-session {at} --target {bastion.instance_id} "
        f"--document-name AWS-StartInteractiveCommand --parameters {run}"
    )


def in_state(deployment: Mapping[str, Any]) -> BastionOutput | None:
    """The bastion in a stack's state, which has it as soon as it is made, also where `up` failed afterwards."""
    for resource in deployment.get("resources", ()):
        outputs = resource.get("outputs") or {}
        if resource["type"] == COMPONENT and {"instance_id", "bucket"} <= outputs.keys():
            return BastionOutput(instance_id=outputs["instance_id"], bucket=outputs["bucket"])
    return None
