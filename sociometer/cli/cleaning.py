"""`sociometer clean`: clears what a killed sweep left, on this machine or on AWS, and proves that it is gone."""

from __future__ import annotations

import json
import sys

from experiments.executors import choose
from experiments.store.store import Store, default_path
from sociometer.cli import actions
from sociometer.cli.options import AsJson, Stack, StackVariant, StorePath, TargetName
from sociometer.cli.where import Where, check_target, chosen_where, refuse_simulation


def clean(
    target: TargetName = None,
    stack: Stack = None,
    variant: StackVariant = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Clear what a killed sweep left behind.

    In the lab: its processes, namespaces, mounts and folders. On fargate: the stack's services go to 0 tasks, and that
    none is left is verified.

    Images, the stack and the records stay. Refused while a sweep runs.
    """
    where = chosen_where(target, stack, None, variant)
    refuse_simulation(where)
    path = store or default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.claim(path):
        cleared = _clear(where)
    if as_json:
        sys.stdout.write(json.dumps(cleared, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"cleared {item}\n" for item in cleared) or "Nothing was left behind.\n")


def _clear(where: Where) -> list[str]:
    if where.target == "lab":
        from infra.lab.cluster import clear_orphans  # its network libraries are needed here alone

        return clear_orphans()
    return choose.clear_services(check_target(where, actions.outputs(where.stack)))
