"""`sociometer clean`: clears what a killed sweep left, on this machine or on AWS, and proves that it is gone."""

from __future__ import annotations

import json
import sys

from experiments.store.store import Store, default_path
from sociometer.cli.choosing import chosen_target
from sociometer.cli.options import AsJson, StackOptions, StorePath


def clean(where: StackOptions, store: StorePath = None, as_json: AsJson = False) -> None:
    """Clear what a killed sweep left behind.

    In the lab: its processes, namespaces, mounts and folders. On fargate: the stack's services go to 0 tasks, and that
    none is left is verified.

    Images, the stack and the records stay. Refused while a sweep runs.
    """
    target = chosen_target(where.target, where.stack, None, where.variant)
    target.require_stack()
    path = store or default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.claim(path):
        cleared = target.clear()
    if as_json:
        sys.stdout.write(json.dumps(cleared, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"cleared {item}\n" for item in cleared) or "Nothing was left behind.\n")
