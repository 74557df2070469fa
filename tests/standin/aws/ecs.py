"""``aws.ecs``: cluster, task definition, service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.standin.aws.base import AwsResource, picked
from tests.standin.values import Properties, words


class _Ecs(AwsResource):
    """What ECS names by its ARN, which is its id for Pulumi too, but for task definitions."""

    service = "ecs"

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        entries = [{"key": key, "value": value} for key, value in tags.items()]
        self.client.tag_resource(resourceArn=identity, tags=entries)

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.untag_resource(resourceArn=identity, tagKeys=keys)


class Cluster(_Ecs):
    """``aws:ecs/cluster:Cluster``."""

    inputs = words("name settings tags")
    replaces = words("name")
    computed = words("arn")
    gone = ("ClusterNotFoundException",)
    name_property = "name"

    def make(self, inputs: Properties) -> str:
        made = self.client.create_cluster(**picked(inputs, {"name": "clusterName", "settings": "settings"}))
        return str(made["cluster"]["clusterArn"])

    def update(self, identity: str, old: Properties, new: Properties) -> Properties:
        """The provider does not read a cluster again after its update, so its ``tags_interceptor`` lists the tags."""
        outputs = super().update(identity, old, new)
        self.client.list_tags_for_resource(resourceArn=identity)
        return outputs

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        self.client.update_cluster(cluster=identity, settings=new.get("settings", []))

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_cluster(cluster=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        for found in self.client.describe_clusters(clusters=[identity])["clusters"]:
            if found["status"] != "INACTIVE":
                return {"arn": identity, "name": found["clusterName"]}
        return None


class TaskDefinition(_Ecs):
    """``aws:ecs/taskDefinition:TaskDefinition``; its id is its family, and each change is a new revision."""

    inputs = words(
        "family containerDefinitions cpu memory networkMode requiresCompatibilities executionRoleArn taskRoleArn "
        "runtimePlatform ephemeralStorage volumes pidMode skipDestroy tags"
    )
    replaces = inputs - words("skipDestroy tags")
    computed = words("arn arnWithoutRevision revision")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        return str(inputs["family"]), {"arn": self.make(inputs)}

    def make(self, inputs: Properties) -> str:
        same = words("family cpu memory networkMode requiresCompatibilities executionRoleArn taskRoleArn")
        same |= words("runtimePlatform volumes pidMode")
        disk = inputs.get("ephemeralStorage")
        made = self.client.register_task_definition(
            containerDefinitions=json.loads(inputs["containerDefinitions"]),
            tags=[{"key": key, "value": value} for key, value in inputs.get("tagsAll", {}).items()],
            **picked(inputs, {key: key for key in same}),
            **({"ephemeralStorage": {"sizeInGiB": disk["sizeInGib"]}} if disk else {}),
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def update(self, identity: str, old: Properties, new: Properties) -> Properties:
        arn = self._described(identity)["taskDefinitionArn"]
        super().update(arn, old, new)
        return {"arn": arn}

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        """``skipDestroy`` alone, which AWS does not know."""

    def unmake(self, identity: str, known: Properties) -> None:
        if not known.get("skipDestroy"):
            self.client.deregister_task_definition(taskDefinition=known["arn"])

    def read(self, identity: str, known: Properties) -> Properties | None:
        found = self.unless_gone(lambda: self._described(known["arn"]))
        if found is None or found["status"] != "ACTIVE":
            return None
        arn = found["taskDefinitionArn"]
        return {"arn": arn, "arnWithoutRevision": arn.rpartition(":")[0], "revision": found["revision"]}

    def _described(self, reference: str) -> dict[str, Any]:
        """Of a family, the latest revision."""
        found: dict[str, Any] = self.client.describe_task_definition(taskDefinition=reference)["taskDefinition"]
        return found


class Service(_Ecs):
    """``aws:ecs/service:Service``; its id is its ARN."""

    same = words("platformVersion healthCheckGracePeriodSeconds availabilityZoneRebalancing loadBalancers")
    same |= words("propagateTags taskDefinition desiredCount")
    """What is named alike by Pulumi and by AWS, when made and when updated."""

    inputs = same | words(
        "name cluster launchType schedulingStrategy networkConfiguration deploymentMaximumPercent "
        "deploymentMinimumHealthyPercent deploymentCircuitBreaker enableEcsManagedTags enableExecuteCommand "
        "forceNewDeployment forceDelete waitForSteadyState tags"
    )
    replaces = words("name cluster launchType schedulingStrategy")
    computed = words("arn")
    gone = ("ServiceNotFoundException", "ClusterNotFoundException", "ServiceNotActiveException")
    name_property = "name"

    def make(self, inputs: Properties) -> str:
        names = {"name": "serviceName", "cluster": "cluster", "launchType": "launchType"}
        once = picked(inputs, {**names, "schedulingStrategy": "schedulingStrategy"})
        return str(self.client.create_service(**once, **_settings(inputs))["service"]["serviceArn"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        # As pulumi-aws does, the desired count goes with every update, changed or not.
        again = picked(new, {"cluster": "cluster", "forceNewDeployment": "forceNewDeployment"})
        self.client.update_service(service=identity, **again, **_settings(new))

    def unmake(self, identity: str, known: Properties) -> None:
        cluster = known["cluster"]
        self.client.update_service(cluster=cluster, service=identity, desiredCount=0)
        self.client.delete_service(cluster=cluster, service=identity)
        self.client.get_waiter("services_inactive").wait(cluster=cluster, services=[identity])

    def read(self, identity: str, known: Properties) -> Properties | None:
        answer = self.unless_gone(lambda: self.client.describe_services(cluster=known["cluster"], services=[identity]))
        for found in answer["services"] if answer else []:
            if found["status"] == "ACTIVE":
                return {"arn": identity, **_live(found, known)}
        return None


def _settings(inputs: Properties) -> dict[str, Any]:
    settings = picked(inputs, {key: key for key in Service.same})
    settings |= picked(inputs, {"enableEcsManagedTags": "enableECSManagedTags"})
    settings |= picked(inputs, {"enableExecuteCommand": "enableExecuteCommand"})
    if network := inputs.get("networkConfiguration"):
        public = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
        settings["networkConfiguration"] = {"awsvpcConfiguration": {**network, "assignPublicIp": public}}
    if deployment := picked(inputs, DEPLOYMENT):
        settings["deploymentConfiguration"] = deployment
    return settings


def _live(found: dict[str, Any], known: Properties) -> Properties:
    same = words("desiredCount taskDefinition launchType platformVersion healthCheckGracePeriodSeconds")
    live = {key: found[key] for key in same if key in found}
    deployment = found.get("deploymentConfiguration", {})
    return {
        **live,
        "name": found["serviceName"],
        "cluster": known["cluster"],
        **{ours: deployment[theirs] for ours, theirs in DEPLOYMENT.items() if theirs in deployment},
    }


DEPLOYMENT = {
    "deploymentMaximumPercent": "maximumPercent",
    "deploymentMinimumHealthyPercent": "minimumHealthyPercent",
    "deploymentCircuitBreaker": "deploymentCircuitBreaker",
}
