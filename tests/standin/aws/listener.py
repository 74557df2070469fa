"""``aws.lb``: listener and listener rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standin.aws.base import pascal, picked
from tests.standin.aws.lb import LbResource
from tests.standin.values import Properties, words

CONDITIONS = {
    "httpHeader": ("http-header", "HttpHeaderConfig"),
    "pathPattern": ("path-pattern", "PathPatternConfig"),
    "hostHeader": ("host-header", "HostHeaderConfig"),
}


class Listener(LbResource):
    """``aws:lb/listener:Listener``."""

    inputs = words("loadBalancerArn port protocol defaultActions tags")
    replaces = words("loadBalancerArn")
    computed = words("arn")
    gone = ("ListenerNotFound",)
    described = ("describe_listeners", "ListenerArns", "Listeners")
    names: ClassVar[Mapping[str, str]] = {"loadBalancerArn": "LoadBalancerArn", "port": "Port", "protocol": "Protocol"}

    def make(self, inputs: Properties) -> str:
        actions = [_action(action) for action in inputs["defaultActions"]]
        made = self.client.create_listener(**picked(inputs, self.names), DefaultActions=actions)
        return str(made["Listeners"][0]["ListenerArn"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        values = picked(new, {"port": "Port", "protocol": "Protocol"})
        actions = [_action(action) for action in new["defaultActions"]]
        self.client.modify_listener(ListenerArn=identity, **values, DefaultActions=actions)

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_listener(ListenerArn=identity)

    def properties(self, found: dict[str, Any], known: Properties) -> Properties:
        return {ours: found[theirs] for ours, theirs in self.names.items()}


class ListenerRule(LbResource):
    """``aws:lb/listenerRule:ListenerRule``."""

    inputs = words("listenerArn priority conditions actions tags")
    replaces = words("listenerArn")
    computed = words("arn")
    gone = ("RuleNotFound", "ListenerNotFound")
    described = ("describe_rules", "RuleArns", "Rules")

    def make(self, inputs: Properties) -> str:
        made = self.client.create_rule(
            ListenerArn=inputs["listenerArn"], Priority=inputs["priority"], **_conditions_and_actions(inputs)
        )
        return str(made["Rules"][0]["RuleArn"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if "priority" in changed:
            entry = {"RuleArn": identity, "Priority": new["priority"]}
            self.client.set_rule_priorities(RulePriorities=[entry])
        self.client.modify_rule(RuleArn=identity, **_conditions_and_actions(new))

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_rule(RuleArn=identity)

    def properties(self, found: dict[str, Any], known: Properties) -> Properties:
        return {"priority": int(found["Priority"])}


def _conditions_and_actions(inputs: Properties) -> dict[str, Any]:
    conditions = []
    for condition in inputs["conditions"]:
        [(kind, value)] = condition.items()
        field, key = CONDITIONS[kind]
        conditions.append({"Field": field, key: pascal(value)})
    return {"Conditions": conditions, "Actions": [_action(action) for action in inputs["actions"]]}


def _action(action: Properties) -> dict[str, Any]:
    made = picked(action, {"type": "Type", "targetGroupArn": "TargetGroupArn", "order": "Order"})
    if response := action.get("fixedResponse"):
        made["FixedResponseConfig"] = pascal(response)
    return made
