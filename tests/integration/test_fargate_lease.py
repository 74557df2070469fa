"""The lease of a stack on a local AWS over boto3: two machines, real time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors.fargate import lease as leases
from experiments.executors.fargate.boto import Boto
from experiments.executors.fargate.lease import TAG, Lease
from kit.errors import StoreError
from tests.support.aws.server import REGION, AwsServer, aws_server

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@pytest.fixture
def cluster(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new cluster's ARN."""
    aws.reset()
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(leases, "SETTLE_SECONDS", 0.1)
    return str(aws.client("ecs").create_cluster(clusterName="sociometer-dev")["cluster"]["clusterArn"])


def machine(aws: Boto, cluster: str, data: Path, seconds: float) -> Lease:
    """The lease as another machine sees it: with a data folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOCIOMETER_DATA", str(data))
        return Lease(aws, time, cluster, seconds)


def test_a_cluster_is_leased_to_one_machine_at_a_time_until_it_is_given_back(
    aws: AwsServer, cluster: str, tmp_path: Path
) -> None:
    with Boto(REGION) as calls:
        first, second = (machine(calls, cluster, tmp_path / name, 60) for name in ("first", "second"))
        first.take()
        with pytest.raises(StoreError, match="is in use by"):
            second.take()
        first.renew()
        assert second.is_lost() and not first.is_lost()
        first.give_back()
        second.take()
        assert first.is_lost()
        second.give_back()
    tags = aws.client("ecs").list_tags_for_resource(resourceArn=cluster)["tags"]
    assert TAG not in {tag["key"] for tag in tags}


def test_a_lease_that_nobody_renews_runs_out(cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "APART_SECONDS", 1.0)  # these two machines have one clock
    with Boto(REGION) as calls:
        first, second = (machine(calls, cluster, tmp_path / name, 2) for name in ("first", "second"))
        first.take()
        with pytest.raises(StoreError, match="is in use by"):
            second.take()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                second.take()
                break
            except StoreError:
                time.sleep(0.2)
        with pytest.raises(StoreError, match="is in use by"):
            first.renew()


def test_a_cluster_that_is_gone_is_nobody_s(aws: AwsServer, cluster: str, tmp_path: Path) -> None:
    with Boto(REGION) as calls:
        lease = machine(calls, cluster, tmp_path / "only", 60)
        lease.take()
        aws.client("ecs").delete_cluster(cluster=cluster)
        assert not lease.is_lost()
        lease.give_back()
