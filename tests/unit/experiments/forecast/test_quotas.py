from __future__ import annotations

from experiments.forecast.quotas import quota_notes


def test_a_round_within_the_quotas_of_a_new_account_needs_no_note() -> None:
    assert quota_notes("eu-west-2", 256, 24) == []


def test_every_quota_that_a_round_exceeds_is_named_with_the_amount() -> None:
    (note,) = quota_notes("eu-west-2", 256, 100)
    assert note.startswith("100 tasks at once need 25 of the quota Fargate On-Demand vCPU")
    assert "eu-west-2: 6 unless raised" in note
    assert len(quota_notes("eu-west-2", 256, 10_000)) == 3
