"""The registry: an ECR repository for each variant's source image and one for each of its forms.

Each form has its own repository, because a client that pulls a digest finds every SOCI v1 index stored beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.sources.images import PROJECT

UNTAGGED_DAYS = 14
IMAGES_KEPT = 30
SOURCE = "source"


@dataclass(frozen=True)
class RegistryArgs:
    """``stack`` names the repositories' folder; each of ``names`` is ``variant/form`` or ``variant/source``."""

    stack: str
    names: Sequence[str]


class Registry(pulumi.ComponentResource):
    """The ECR repositories, by name within the stack's folder."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:Registry", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        self.repositories = {
            path: self._repository(path.replace("/", "-"), repository_name(args.stack, path), child_opts)
            for path in args.names
        }
        self.arns: list[pulumi.Output[str]] = [repository.arn for repository in self.repositories.values()]
        urls: list[pulumi.Output[str]] = [repository.repository_url for repository in self.repositories.values()]
        self.host: pulumi.Output[str] = urls[0].apply(lambda url: url.partition("/")[0])
        self.register_outputs({"host": self.host})

    def _repository(self, name: str, ecr_name: str, child_opts: pulumi.ResourceOptions) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            name,
            name=ecr_name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            force_delete=True,  # this stack made the content, and can make it again
            opts=child_opts,
        )
        aws.ecr.LifecyclePolicy(
            name, repository=repository.name, policy=json.dumps(LIFECYCLE, sort_keys=True), opts=child_opts
        )
        return repository


def repository_name(stack: str, name: str) -> str:
    """The full name in ECR, which allows only lower-case letters, digits and single separators."""
    folder = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")
    return f"{PROJECT}/{folder}/{name}"


def _rule(priority: int, description: str, selection: dict[str, object]) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


LIFECYCLE = {
    "rules": [
        _rule(
            1,
            f"SOCI indexes and images without a tag, after {UNTAGGED_DAYS} days",
            {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
        ),
        _rule(
            2,
            f"All but the latest {IMAGES_KEPT} images",
            {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": IMAGES_KEPT},
        ),
    ]
}
"""What a stack deploys is tagged, and ECR keeps the parts of an image index as long as the index itself. Only v1
indexes are untagged: if one has expired, the next `up` makes it again."""
