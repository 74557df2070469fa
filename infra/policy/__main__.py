"""The policy pack, as `pulumi preview --policy-pack` starts it: every rule is mandatory."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from rules import RULES, Resource, Rule, provider_tags


def policy(rule: Rule) -> ResourceValidationPolicy:
    """A rule as pulumi-policy wants it."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        tags = provider_tags(args.provider.props) if args.provider else {}
        resource = Resource(args.resource_type, args.name, args.props, tags)
        for fault in rule.check(resource, args.get_config()):
            report(fault)

    schema = PolicyConfigSchema(dict(rule.options)) if rule.options else None
    return ResourceValidationPolicy(rule.name, rule.description, validate, config_schema=schema)


PolicyPack("sociometer", [policy(rule) for rule in RULES], EnforcementLevel.MANDATORY)
