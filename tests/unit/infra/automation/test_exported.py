from __future__ import annotations

from infra.automation import exported

SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "plaintext": '{"token":"open","seats":[1,2]}',
}


def test_outputs_are_those_of_the_stack_itself() -> None:
    resources = [
        {"type": "pulumi:providers:aws", "outputs": {"region": "eu-central-1"}},
        {"type": "pulumi:pulumi:Stack", "outputs": {"sociometer": {"target": "lab"}, "count": 2}},
        {"type": "sociometer:lab:Registry", "outputs": {"sociometer": "another"}},
    ]
    assert exported.outputs({"resources": resources}) == {"sociometer": {"target": "lab"}, "count": 2}


def test_a_stack_that_was_never_up_has_none() -> None:
    assert exported.outputs({}) == {}
    assert exported.outputs({"resources": None}) == {}
    assert exported.outputs({"resources": [{"type": "pulumi:pulumi:Stack"}]}) == {}


def test_secrets_are_opened_wherever_they_stand() -> None:
    stack = {"type": "pulumi:pulumi:Stack", "outputs": {"whole": SECRET, "part": {"list": [SECRET, "plain"]}}}
    opened = {"token": "open", "seats": [1, 2]}
    assert exported.outputs({"resources": [stack]}) == {"whole": opened, "part": {"list": [opened, "plain"]}}
