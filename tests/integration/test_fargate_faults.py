"""A faulty network between the Fargate executor and AWS: what passes is tried again and counted, what stays ends the
round, and no fault becomes a figure.

Real: boto3 with its retries, httpx, HTTP through the faulty proxy. Stand-ins: ECS, whose tasks live by the script, and
time, which moves only when somebody waits. AWS itself is asked over TLS, which turns damaged bytes into a connection
that ends; here they arrive, as they do on the plain way to the load balancer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from experiments.executors.fargate.boto import Boto
from experiments.executors.simulation.clock import SimulatedClock
from experiments.records.model import Outcome, RoundObservation
from experiments.records.phases import durations
from kit.errors import AwsError
from tests.contracts.fargate import REGION, fargate_outputs
from tests.support.aws_server import AwsServer, Reply, serving
from tests.support.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.support.scripted import ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import executor_on, round_of

TASKS = 2
OPERATIONS = ("UpdateService", "DescribeServices", "ListTasks", "DescribeTasks", "FilterLogEvents")
FAULTS = (
    Fault("status", status=500),
    Fault("status", status=503),
    Fault("reset", after=0),
    Fault("reset"),
    Fault("cut"),
    Fault("corrupt"),
    Fault("delay", seconds=0.05),
    Fault("drip", bytes_per_second=20_000),
)
HARMLESS = ("delay", "drip")


def name_of(fault: Fault) -> str:
    return f"{fault.kind} {fault.status}" if fault.kind == "status" else f"{fault.kind} after {fault.after}"


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: AwsServer) -> Iterator[FaultyProxy]:
    with faulty_proxy(f"127.0.0.1:{server.server_port}") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def boto(proxy: FaultyProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boto]:
    """The real client, with everything that it asks going through the proxy; only its waits take no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{proxy.address}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("SOCIOMETER_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
        with Boto(REGION, attempts=3) as boto:
            yield boto


def observed(server: AwsServer, proxy: FaultyProxy, boto: Boto, *faults: Fault) -> RoundObservation:
    """One round whose requests meet these faults, from the moment that the stack is open."""
    clock = SimulatedClock()
    server.ecs = ecs = ScriptedEcs(fargate_outputs(), clock)
    outputs = fargate_outputs(load_balancer=f"http://{proxy.address}")
    proxy.set()
    try:
        with executor_on(boto, outputs, clock, timeout=90) as executor:
            proxy.set(*faults)
            try:
                observation = executor.run_round(round_of(TASKS), lambda _: None)
            finally:
                hits = list(proxy.hits)
                proxy.set()
        assert hits or not faults, "the round never met the fault"
    finally:
        assert ecs.running() == 0
        server.ecs = None
    return observation


def phases_of(observation: RoundObservation) -> list[dict[str, float | None]]:
    """What ECS stamped, which no network can change."""
    return [durations(task).model_dump(exclude={"ready_seconds"}) for task in observation.tasks]


@pytest.fixture(scope="module")
def undisturbed(server: AwsServer, proxy: FaultyProxy, boto: Boto) -> list[dict[str, float | None]]:
    """The phases of the same tasks when nothing is wrong."""
    return phases_of(observed(server, proxy, boto))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_fault_that_passes_changes_no_duration_and_is_counted(
    server: AwsServer,
    proxy: FaultyProxy,
    boto: Boto,
    undisturbed: list[dict[str, float | None]],
    fault: Fault,
    operation: str,
) -> None:
    observation = observed(server, proxy, boto, replace(fault, where=rf"{operation}$", times=1))
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}
    assert phases_of(observation) == undisturbed
    assert observation.requests.api_retries == (0 if fault.kind in HARMLESS else 1)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", [each for each in FAULTS if each.kind not in HARMLESS], ids=name_of)
def test_a_fault_that_stays_ends_the_round_without_a_figure(
    server: AwsServer, proxy: FaultyProxy, boto: Boto, fault: Fault, operation: str
) -> None:
    try:
        observation = observed(server, proxy, boto, replace(fault, where=rf"{operation}$"))
    except AwsError as error:
        reasons = [str(error)]
    else:
        assert Outcome.BOOTED not in {task.outcome for task in observation.tasks}
        reasons = [task.reason or "" for task in observation.tasks]
    assert reasons
    assert all(operation in reason and "\n" not in reason for reason in reasons)


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_what_happens_to_a_report_on_its_way_through_the_load_balancer_is_counted_and_not_believed(
    server: AwsServer,
    proxy: FaultyProxy,
    boto: Boto,
    undisturbed: list[dict[str, float | None]],
    fault: Fault,
) -> None:
    times = 3 if fault.kind in HARMLESS else None
    observation = observed(server, proxy, boto, replace(fault, where="^GET /boot.json$", times=times))
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}
    assert phases_of(observation) == undisturbed
    if fault.kind not in HARMLESS:
        assert {task.times.ready_ns for task in observation.tasks} == {None}
        assert observation.requests.balancer_in_vain == observation.requests.balancer_gets


def test_an_answer_of_the_load_balancer_that_drips_is_not_waited_for(
    server: AwsServer, proxy: FaultyProxy, boto: Boto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.executors.fargate.boto.GET_SECONDS", 0.3)
    server.script["GET"].append(Reply(body=b"x" * 200))
    proxy.set(Fault("drip", bytes_per_second=20))
    began = time.monotonic()
    assert boto.get(f"http://{proxy.address}/boot.json", "movie-plain") == (0, b"")
    assert time.monotonic() - began < 5
