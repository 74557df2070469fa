"""A stack that ran under the mocks, as the policy pack's rules see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.policy.rules import RULES, Properties, Resource, provider_tags
from tests.support.fargate_stack import MockedResource


def violations(resource: Resource, options: Mapping[str, Properties] | None = None) -> list[str]:
    """Every fault of a resource, as ``rule: resource: sentence``; ``options`` are the configurations by rule."""
    given = options or {}
    return [
        f"{rule.name}: {resource.name}: {fault}"
        for rule in RULES
        for fault in rule.check(resource, given.get(rule.name, {}))
    ]


def as_declared(declared: Sequence[MockedResource]) -> list[Resource]:
    """Every resource with the default tags of its provider, as the engine hands both to a policy pack."""
    providers = {each.urn: each.inputs for each in declared if each.type.startswith("pulumi:providers:")}
    return [
        Resource(each.type, each.name, each.inputs, provider_tags(_inputs_of(each.provider, providers)))
        for each in declared
    ]


def _inputs_of(reference: str, providers: dict[str, Properties]) -> Properties:
    """A reference is ``urn::id``; a resource without an explicit provider has none."""
    return providers.get(reference.rpartition("::")[0], {})
