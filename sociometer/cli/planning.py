"""`sociometer plan`: the rounds of a plan, how long they will take, and on AWS what they will cost."""

from __future__ import annotations

from sociometer.cli.choosing import chosen_target
from sociometer.cli.images import ImageOptions
from sociometer.cli.options import AsJson, PlanOptions, WhereOptions
from sociometer.cli.plan_table import show_plan


def plan(own: ImageOptions, what: PlanOptions, where: WhereOptions, as_json: AsJson = False) -> None:
    """Print a plan's rounds in their order and how long they will take; on fargate also the cost. Starts nothing.

    With --image, the image is looked up where it is, for its size; nothing of it is copied. With --stack, the plan is
    checked against what that stack holds, if it is up. Nothing is started.
    """
    target = chosen_target(where.target, where.stack, what.plan, what.variant or own.stack_suffix)
    if settings := own.settings(target.region({})):
        chosen = target.plan_to_make(what.changes(own.names), settings)
    else:
        chosen = target.plan_of(what.changes(), where.stack)
    show_plan(chosen, target.forecast(chosen, where.store_path, where.profile, settings), as_json=as_json)
