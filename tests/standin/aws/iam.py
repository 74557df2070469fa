"""``aws.iam``: role, policy in a role, attached policy, instance profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.standin.aws.base import AwsResource, pairs, picked
from tests.standin.values import Properties, words


class _Iam(AwsResource):
    """IAM names things by their names."""

    service = "iam"
    gone = ("NoSuchEntity",)


class Role(_Iam):
    """``aws:iam/role:Role``; its id is its name."""

    inputs = words("name path description assumeRolePolicy maxSessionDuration forceDetachPolicies tags")
    replaces = words("name path")
    computed = words("arn createDate uniqueId")
    name_property, name_limit = "name", 64

    def make(self, inputs: Properties) -> str:
        names = {
            "name": "RoleName",
            "path": "Path",
            "description": "Description",
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "maxSessionDuration": "MaxSessionDuration",
        }
        return str(self.client.create_role(**picked(inputs, names))["Role"]["RoleName"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if "assumeRolePolicy" in changed:
            self.client.update_assume_role_policy(RoleName=identity, PolicyDocument=new["assumeRolePolicy"])
        names = {"description": "Description", "maxSessionDuration": "MaxSessionDuration"}
        if changed & names.keys():
            self.client.update_role(RoleName=identity, **picked(new, names))

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_role(RoleName=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        answer = self.unless_gone(lambda: self.client.get_role(RoleName=identity))
        if answer is None:
            return None
        found = answer["Role"]
        return {
            "arn": found["Arn"],
            "name": identity,
            "uniqueId": found["RoleId"],
            "createDate": found["CreateDate"].isoformat(),
            "assumeRolePolicy": _document(known.get("assumeRolePolicy"), found["AssumeRolePolicyDocument"]),
        }

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.tag_role(RoleName=identity, Tags=pairs(tags))

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.untag_role(RoleName=identity, TagKeys=keys)


class RolePolicy(_Iam):
    """``aws:iam/rolePolicy:RolePolicy``; its id is ``role:name``."""

    inputs = words("name role policy")
    replaces = words("name role")
    tagged = False
    name_property = "name"

    def make(self, inputs: Properties) -> str:
        self.change("", inputs, {"policy"})
        return f"{inputs['role']}:{inputs['name']}"

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        self.client.put_role_policy(RoleName=new["role"], PolicyName=new["name"], PolicyDocument=new["policy"])

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_role_policy(RoleName=known["role"], PolicyName=known["name"])

    def read(self, identity: str, known: Properties) -> Properties | None:
        role, _, name = identity.partition(":")
        found = self.unless_gone(lambda: self.client.get_role_policy(RoleName=role, PolicyName=name))
        if found is None:
            return None
        return {"role": role, "name": name, "policy": _document(known.get("policy"), found["PolicyDocument"])}


class RolePolicyAttachment(_Iam):
    """``aws:iam/rolePolicyAttachment:RolePolicyAttachment``."""

    inputs = words("role policyArn")
    replaces = words("role policyArn")
    tagged = False

    def make(self, inputs: Properties) -> str:
        self.client.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.detach_role_policy(RoleName=known["role"], PolicyArn=known["policyArn"])

    def read(self, identity: str, known: Properties) -> Properties | None:
        answer = self.unless_gone(lambda: self.client.list_attached_role_policies(RoleName=known["role"]))
        arns = [entry["PolicyArn"] for entry in answer["AttachedPolicies"]] if answer else []
        return {"policyArn": known["policyArn"]} if known["policyArn"] in arns else None


class InstanceProfile(_Iam):
    """``aws:iam/instanceProfile:InstanceProfile``; its id is its name."""

    inputs = words("name path role tags")
    replaces = words("name path")
    computed = words("arn createDate uniqueId")
    name_property, name_limit = "name", 64

    def make(self, inputs: Properties) -> str:
        names = {"name": "InstanceProfileName", "path": "Path"}
        self.client.create_instance_profile(**picked(inputs, names))
        self._put_role(inputs["name"], inputs)
        return str(inputs["name"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        for role in self._roles(identity):
            self.client.remove_role_from_instance_profile(InstanceProfileName=identity, RoleName=role)
        self._put_role(identity, new)

    def unmake(self, identity: str, known: Properties) -> None:
        for role in self._roles(identity):
            self.client.remove_role_from_instance_profile(InstanceProfileName=identity, RoleName=role)
        self.client.delete_instance_profile(InstanceProfileName=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        answer = self.unless_gone(lambda: self.client.get_instance_profile(InstanceProfileName=identity))
        if answer is None:
            return None
        found = answer["InstanceProfile"]
        role = next((role["RoleName"] for role in found["Roles"]), "")
        return {"arn": found["Arn"], "name": identity, "uniqueId": found["InstanceProfileId"], "role": role}

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.tag_instance_profile(InstanceProfileName=identity, Tags=pairs(tags))

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.untag_instance_profile(InstanceProfileName=identity, TagKeys=keys)

    def _put_role(self, name: str, inputs: Properties) -> None:
        if role := inputs.get("role"):
            self.client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def _roles(self, name: str) -> list[str]:
        found = self.client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        return [role["RoleName"] for role in found["Roles"]]


def _document(given: Any, live: Any) -> str:
    """A policy as it was given, when AWS holds the same one in other words."""
    if isinstance(given, str) and json.loads(given) == live:
        return given
    return json.dumps(live)
