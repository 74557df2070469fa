"""``aws.ecr``: repository, lifecycle policy."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from tests.standin.aws.base import AwsResource, pairs, picked
from tests.standin.values import Properties, words

REGISTRY = "STANDIN_REGISTRY"
"""Environment variable: the registry (host:port) that is said to be ECR's, such as a real one of the test."""

MISSING = ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException")


class Repository(AwsResource):
    """``aws:ecr/repository:Repository``; its id is its name."""

    service = "ecr"
    inputs = words("name imageTagMutability imageScanningConfiguration encryptionConfigurations forceDelete tags")
    replaces = words("name encryptionConfigurations")
    computed = words("arn registryId repositoryUrl")
    gone = MISSING
    name_property = "name"

    def make(self, inputs: Properties) -> str:
        names = {"name": "repositoryName", "imageTagMutability": "imageTagMutability"}
        encryption = {"encryptionConfiguration": one} if (one := _only(inputs)) else {}
        made = self.client.create_repository(**picked(inputs, {**names, **SCANNING}), **encryption)
        return str(made["repository"]["repositoryName"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if "imageTagMutability" in changed:
            mutability = new.get("imageTagMutability", "MUTABLE")
            self.client.put_image_tag_mutability(repositoryName=identity, imageTagMutability=mutability)
        if "imageScanningConfiguration" in changed:
            scanning = new.get("imageScanningConfiguration", {"scanOnPush": False})
            self.client.put_image_scanning_configuration(repositoryName=identity, imageScanningConfiguration=scanning)

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_repository(repositoryName=identity, force=known.get("forceDelete", False))

    def read(self, identity: str, known: Properties) -> Properties | None:
        answer = self.unless_gone(lambda: self.client.describe_repositories(repositoryNames=[identity]))
        if answer is None:
            return None
        [found] = answer["repositories"]
        host = os.environ.get(REGISTRY)
        return {
            "arn": found["repositoryArn"],
            "name": found["repositoryName"],
            "registryId": found["registryId"],
            "repositoryUrl": f"{host}/{identity}" if host else found["repositoryUri"],
            "imageTagMutability": found["imageTagMutability"],
            "imageScanningConfiguration": found["imageScanningConfiguration"],
        }

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.tag_resource(resourceArn=self._arn(identity), tags=pairs(tags))

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.untag_resource(resourceArn=self._arn(identity), tagKeys=keys)

    def _arn(self, identity: str) -> str:
        return self.aws.arn("ecr", f"repository/{identity}")


class LifecyclePolicy(AwsResource):
    """``aws:ecr/lifecyclePolicy:LifecyclePolicy``; a repository has one at most."""

    service = "ecr"
    tagged = False
    inputs = words("repository policy")
    replaces = words("repository policy")
    computed = words("registryId")
    delete_before_replace = True
    gone = MISSING

    def make(self, inputs: Properties) -> str:
        policy = inputs["policy"]
        made = self.client.put_lifecycle_policy(repositoryName=inputs["repository"], lifecyclePolicyText=policy)
        return str(made["repositoryName"])

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_lifecycle_policy(repositoryName=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        found = self.unless_gone(lambda: self.client.get_lifecycle_policy(repositoryName=identity))
        if found is None:
            return None
        text, given = found["lifecyclePolicyText"], known.get("policy", "null")
        same = json.loads(text) == json.loads(given)
        return {"registryId": found["registryId"], "repository": identity, "policy": given if same else text}


SCANNING = {"imageScanningConfiguration": "imageScanningConfiguration"}


def _only(inputs: Properties) -> dict[str, str]:
    [*configurations] = inputs.get("encryptionConfigurations", [])
    return dict(configurations[0]) if configurations else {}
