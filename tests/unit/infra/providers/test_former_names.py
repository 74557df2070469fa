"""Stacks made before version 0.2 hold their providers as references to modules that have moved since."""

from __future__ import annotations

import base64

import dill
import pytest

from infra.providers.first_push import FirstPushProvider
from infra.providers.lab_registry import LabRegistryProvider
from infra.providers.soci_image import SociImageProvider
from infra.providers.source_image import SourceImageProvider

IN_STATE = [
    (
        "gASVQgAAAAAAAACMJXNvY2lvbWV0ZXIuaW5mcmEucHJvdmlkZXJzLmZpcnN0X3B1c2iUjBFGaXJzdFB1c2hQcm92aWRlcpSTlCmBlC4=",
        FirstPushProvider,
    ),
    (
        "gASVRgAAAAAAAACMJ3NvY2lvbWV0ZXIuaW5mcmEucHJvdmlkZXJzLmxhYl9yZWdpc3RyeZSME0xhYlJlZ2lzdHJ5UHJvdmlkZXKUk5QpgZQu",
        LabRegistryProvider,
    ),
    (
        "gASVQgAAAAAAAACMJXNvY2lvbWV0ZXIuaW5mcmEucHJvdmlkZXJzLnNvY2lfaW1hZ2WUjBFTb2NpSW1hZ2VQcm92aWRlcpSTlCmBlC4=",
        SociImageProvider,
    ),
    (
        "gASVRgAAAAAAAACMJ3NvY2lvbWV0ZXIuaW5mcmEucHJvdmlkZXJzLnNvdXJjZV9pbWFnZZSME1NvdXJjZUltYWdlUHJvdmlkZXKUk5QpgZQu",
        SourceImageProvider,
    ),
]
"""What `__provider` was in such a state (dill, base64), and what it must be today."""


@pytest.mark.parametrize(("text", "provider"), IN_STATE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_provider_in_an_older_state_is_todays(text: str, provider: type) -> None:
    held = base64.b64decode(text)
    assert b"sociometer.infra.providers" in held
    assert type(dill.loads(held)) is provider  # noqa: S301 - our own text
