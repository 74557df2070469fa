"""A stack's state as Pulumi exports it (its `deployment`): one run of the command tells outputs and resources.

To select a stack and ask for its outputs takes three, of half a second of CPU each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_KIND, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How Pulumi marks what is no plain value (sdk/go/common/resource/sig: `Key`, `Secret`)."""
_ROOT = "pulumi:pulumi:Stack"


def outputs(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The stack's outputs by name, secrets opened; empty when there are none yet."""
    for resource in deployment.get("resources") or ():
        if resource["type"] == _ROOT:
            return {name: _opened(value) for name, value in (resource.get("outputs") or {}).items()}
    return {}


def _opened(value: Any) -> Any:
    if isinstance(value, list):
        return [_opened(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get(_KIND) == _SECRET:
        return _opened(json.loads(value["plaintext"]))
    return {name: _opened(each) for name, each in value.items()}
