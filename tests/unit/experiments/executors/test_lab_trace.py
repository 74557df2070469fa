from __future__ import annotations

import pytest

from experiments.executors.lab_trace import roomy

USUAL = "fargate-1024-2048"


@pytest.mark.parametrize(
    ("measured", "traced"),
    [
        (USUAL, USUAL),
        (f"{USUAL}(rate=200Mbit)", f"{USUAL}(rate=200Mbit)"),
        (f"{USUAL}(vcpu=0.25)", USUAL),
        ("fargate-256-512", USUAL),
    ],
)
def test_an_image_is_traced_under_the_sweep_s_profile_where_that_has_room_for_what_boots_read(
    measured: str, traced: str
) -> None:
    assert roomy(measured).name == traced
