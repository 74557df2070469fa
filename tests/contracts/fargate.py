"""Stack outputs of a Fargate stack, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from infra.outputs import StackOutputs
from tests.contracts.outputs import stack_outputs

REGION = "eu-west-2"
ACCOUNT = "123456789012"


def fargate_outputs(
    variants: Sequence[str] = ("movie",), forms: Sequence[str] = ("plain", "soci-v2"), **changes: object
) -> StackOutputs:
    """A stack whose treatments each have a service; parts of `FargateOutput` can be changed."""
    outputs = stack_outputs(variants, forms).model_dump()
    for variant in outputs["variants"].values():
        for treatment in variant["treatments"].values():
            treatment["service"] = _service(f"{variant['name']}-{treatment['form']}")
    fargate = {
        "account": ACCOUNT,
        "region": REGION,
        "cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/sociometer",
        "container": "app",
        "log_group": "/sociometer/dev",
        "load_balancer": "http://balancer.example",
        "platform_version": "1.4.0",
        "cpu_units": 256,
        "memory_mebibytes": 512,
    }
    return StackOutputs.parse(
        {**outputs, "target": "fargate", "platform": "linux/arm64", "fargate": {**fargate, **changes}}
    )


def _service(name: str) -> dict[str, str]:
    return {
        "name": name,
        "arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/sociometer/{name}",
        "task_definition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{name}:1",
        "target_group": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/1",
        "log_stream_prefix": name,
        "header": name,
    }
