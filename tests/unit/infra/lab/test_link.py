"""The words that shape a link: every bucket has a queue, and no queue can promise what the link has not."""

from __future__ import annotations

import re

import pytest

from infra.lab.link import QUEUES, fair_queues


def test_every_bucket_of_the_table_has_a_queue_of_its_own() -> None:
    lines = fair_queues("h0", 10**9)
    buckets = dict(re.findall(r"ht 2:([0-9a-f]+): .* flowid (\S+)", "\n".join(lines)))
    assert sorted(int(bucket, 16) for bucket in buckets) == list(range(QUEUES))
    classes = set(re.findall(r"parent 1:1 classid (\S+)", "\n".join(lines)))
    assert set(buckets.values()) == classes
    assert len(classes) == QUEUES


@pytest.mark.parametrize("rate", [100_000, 10**7, 10**9, 10**10])
def test_the_shares_add_up_to_the_rate_at_most_and_each_may_borrow_all_of_it(rate: int) -> None:
    lines = fair_queues("h0", rate)
    shares = [re.search(r"rate (\d+)bit ceil (\d+)bit", line) for line in lines if "parent 1:1 " in line]
    assert len(shares) == QUEUES
    assert sum(int(share[1]) for share in shares if share) <= rate
    assert {int(share[2]) for share in shares if share} == {rate}
    assert f"rate {rate}bit" in lines[1]
