"""``aws.cloudwatch.LogGroup``."""

from __future__ import annotations

from collections.abc import Mapping

from tests.standin.aws.base import AwsResource
from tests.standin.values import Properties, words


class LogGroup(AwsResource):
    """``aws:cloudwatch/logGroup:LogGroup``; its id is its name."""

    service = "logs"
    inputs = words("name retentionInDays skipDestroy tags")
    replaces = words("name")
    computed = words("arn")
    gone = ("ResourceNotFoundException",)
    name_property = "name"

    def make(self, inputs: Properties) -> str:
        self.client.create_log_group(logGroupName=inputs["name"])
        if inputs.get("retentionInDays"):
            self.change(inputs["name"], inputs, {"retentionInDays"})
        return str(inputs["name"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if days := new.get("retentionInDays"):
            self.client.put_retention_policy(logGroupName=identity, retentionInDays=days)
        else:
            self.client.delete_retention_policy(logGroupName=identity)

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_log_group(logGroupName=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        for found in self.client.describe_log_groups(logGroupNamePrefix=identity)["logGroups"]:
            if found["logGroupName"] == identity:
                arn = self._arn(identity)
                return {"arn": arn, "name": identity, "retentionInDays": found.get("retentionInDays", 0)}
        return None

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.tag_resource(resourceArn=self._arn(identity), tags=dict(tags))

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.untag_resource(resourceArn=self._arn(identity), tagKeys=keys)

    def _arn(self, name: str) -> str:
        return self.aws.arn("logs", f"log-group:{name}")
