"""Real boto3 and httpx against a server on loopback that throttles, breaks, refuses and lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from experiments.executors.fargate.boto import MOST_BODY_BYTES, Boto
from experiments.executors.simulation.clock import SimulatedClock
from experiments.executors.simulation.documents import boot_report
from experiments.executors.simulation.task import SimulatedTask
from experiments.records.model import Outcome, RoundObservation
from kit.errors import AwsError, CredentialsError
from tests.contracts.fargate import REGION, fargate_outputs
from tests.support.aws_server import AwsServer, Reply, Reset, document, refusal, serving
from tests.support.scripted import Fate, Life, ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import executor_on, round_of

CLUSTER = "arn:aws:ecs:eu-west-2:123456789012:cluster/sociometer"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"  # noqa: S105 - the example of AWS's documentation
LATER = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Only what is set here counts, whatever machine this is."""
    nowhere = str(tmp_path_factory.mktemp("aws") / "none")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, nowhere)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("NO_PROXY", "127.0.0.1")
        # How long botocore waits before it tries again is its own affair.
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
        yield


@pytest.fixture(scope="module")
def _pair() -> Iterator[tuple[AwsServer, Boto]]:
    """A client takes a second to make: all tests that use the same settings share one."""
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        with Boto(REGION, attempts=3) as boto:
            yield server, boto


@pytest.fixture
def server(_pair: tuple[AwsServer, Boto]) -> AwsServer:
    """A server to which nothing was said yet."""
    server, boto = _pair
    server.script.clear()
    server.requests.clear()
    boto.calls.clear()
    boto.retries.clear()
    return server


@pytest.fixture
def boto(_pair: tuple[AwsServer, Boto], server: AwsServer) -> Boto:
    """The real thing, talking to `server`."""
    return _pair[1]


def list_tasks(boto: Boto) -> list[str]:
    return [item["taskArn"] for item in boto.list_tasks(CLUSTER, "movie", "RUNNING", None).items]


@pytest.mark.parametrize(
    "failure",
    [
        refusal("ThrottlingException", "Rate exceeded"),
        refusal("InternalFailure", status=500),
        refusal("ServiceUnavailable", status=503),
        Reset(),
    ],
    ids=["throttled", "500", "503", "reset"],
)
def test_what_passes_is_tried_again_and_counted(server: AwsServer, boto: Boto, failure: Reply | Reset) -> None:
    server.script["ListTasks"].extend([failure, document(taskArns=["a"])])
    assert list_tasks(boto) == ["a"]
    assert boto.calls == {"ListTasks": 2}
    assert boto.retries == {"ListTasks": 1}


def test_throttled_to_the_end_says_so_in_one_line(server: AwsServer, boto: Boto) -> None:
    server.script["ListTasks"].extend([refusal("ThrottlingException", "Rate exceeded")] * 3)
    with pytest.raises(AwsError, match=r"^AWS throttled ListTasks to the end, 3 times \(ThrottlingException\)"):
        list_tasks(boto)
    assert (boto.calls["ListTasks"], boto.retries["ListTasks"]) == (3, 2)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken"])
def test_expired_credentials_say_how_to_log_in_and_are_not_tried_again(
    server: AwsServer, boto: Boto, code: str
) -> None:
    server.script["ListTasks"].append(refusal(code, "The security token included in the request is expired"))
    with pytest.raises(CredentialsError, match=r"^The AWS credentials have expired .* Log in with `aws sso login`"):
        list_tasks(boto)
    assert boto.retries["ListTasks"] == 0


@pytest.mark.parametrize(
    ("refused", "error", "said"),
    [
        (refusal("UnrecognizedClientException", "invalid"), CredentialsError, "does not know these"),
        (refusal("InvalidSignatureException", "Signature expired: 1"), CredentialsError, "fix this machine's clock"),
        (refusal("RequestTimeTooSkewed", "x"), CredentialsError, "fix this machine's clock"),
        (refusal("SignatureDoesNotMatch", "x"), CredentialsError, "Either the secret key is wrong, or the clock"),
        (refusal("AccessDeniedException", "not authorized to perform: ecs:ListTasks"), AwsError, "help permissions`"),
        (refusal("ClusterNotFoundException", "Cluster not found."), AwsError, "Cluster not found"),
    ],
)  # fmt: skip
def test_every_refusal_is_one_clear_line(
    server: AwsServer, boto: Boto, refused: Reply, error: type[AwsError], said: str
) -> None:
    server.script["ListTasks"].extend([refused] * 3)
    with pytest.raises(error) as raised:
        list_tasks(boto)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(("ahead", "said"), [(420, "ahead of"), (-420, "behind")])
def test_a_wrong_clock_is_told_by_how_much(server: AwsServer, boto: Boto, ahead: int, said: str) -> None:
    date = datetime.now(UTC) - timedelta(seconds=ahead)
    server.script["ListTasks"].extend([refusal("SignatureDoesNotMatch", "x", date=date)] * 3)
    with pytest.raises(CredentialsError, match=rf"This clock is 4[12][0-9] s {said} AWS's: fix this machine's clock"):
        list_tasks(boto)


@pytest.mark.parametrize("late", [2, 60, -60])
def test_a_late_answer_is_not_taken_for_a_wrong_clock(server: AwsServer, boto: Boto, late: int) -> None:
    date = datetime.now(UTC) - timedelta(seconds=late)
    server.script["ListTasks"].extend([refusal("SignatureDoesNotMatch", "x", date=date)] * 3)
    with pytest.raises(CredentialsError, match="Either the secret key is wrong, or the clock"):
        list_tasks(boto)


def test_without_credentials_one_line_says_how_to_log_in(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with (
        Boto(REGION) as boto,
        pytest.raises(CredentialsError, match=r"There are no AWS credentials: .* `aws sso login`"),
    ):
        list_tasks(boto)
    assert not server.requests


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(CredentialsError, match=r"\(nope\) could not be found"):
        Boto(REGION)


def test_an_endpoint_that_nobody_serves_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as gone:
        url = gone.url
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with Boto(REGION, attempts=2) as boto, pytest.raises(AwsError, match=r"AWS cannot be reached for ListTasks"):
        list_tasks(boto)
    assert (boto.calls["ListTasks"], boto.retries["ListTasks"]) == (2, 1)


def test_tasks_are_listed_by_hundreds_page_by_page(server: AwsServer, boto: Boto) -> None:
    server.script["ListTasks"].extend([document(taskArns=["a"], nextToken="t"), document(taskArns=["b"])])
    first = boto.list_tasks(CLUSTER, "movie", "STOPPED", None)
    second = boto.list_tasks(CLUSTER, "movie", "STOPPED", first.token)
    assert (first.token, second.token) == ("t", None)
    asked = [arguments for _, arguments in server.requests]
    assert [arguments.get("nextToken") for arguments in asked] == [None, "t"]
    assert {arguments["maxResults"] for arguments in asked} == {100}
    assert {arguments["desiredStatus"] for arguments in asked} == {"STOPPED"}


def test_described_tasks_come_with_their_times_their_gaps_and_awss_clock(server: AwsServer, boto: Boto) -> None:
    server.script["DescribeTasks"].append(
        document(
            LATER,
            tasks=[{"taskArn": "a", "createdAt": 1_790_000_000.123}],
            failures=[{"arn": "b", "reason": "MISSING"}],
        )
    )
    described = boto.describe_tasks(CLUSTER, ["a", "b"])
    created = described.tasks[0]["createdAt"]
    assert (created - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == 1_790_000_000_123
    assert described.failures == [{"arn": "b", "reason": "MISSING"}]
    assert described.date == LATER


def test_logs_are_asked_by_stream_prefix_pattern_and_start(server: AwsServer, boto: Boto) -> None:
    event = {"logStreamName": "movie/app/1", "timestamp": 5, "message": "{}"}
    server.script["FilterLogEvents"].append(document(events=[event], nextToken="more"))
    page = boto.filter_log_events("/group", "movie/app/", '"schema_version"', 4, None)
    assert (page.items, page.token) == ([event], "more")
    assert server.requests[-1][1] == {
        "logGroupName": "/group",
        "logStreamNamePrefix": "movie/app/",
        "filterPattern": '"schema_version"',
        "startTime": 4,
    }


def test_the_load_balancer_is_asked_once_with_the_treatments_header(server: AwsServer, boto: Boto) -> None:
    server.script["GET"].extend([Reply(body=b"hello"), Reply(502, b"bad")])
    assert boto.get(f"{server.url}/boot.json", "movie-plain") == (200, b"hello")
    assert boto.get(f"{server.url}/boot.json", "movie-plain") == (502, b"bad")
    assert server.requests == [("GET", {"path": "/boot.json", "header": "movie-plain"})] * 2


def test_a_load_balancer_that_does_not_answer_is_status_0(server: AwsServer, boto: Boto) -> None:
    server.script["GET"].append(Reset())
    assert boto.get(server.url, "x") == (0, b"")
    with serving() as gone:
        url = gone.url
    assert boto.get(url, "x") == (0, b"")


def test_an_endless_answer_is_cut(server: AwsServer, boto: Boto) -> None:
    server.script["GET"].append(Reply(body=b"x" * (3 * MOST_BODY_BYTES)))
    assert len(boto.get(server.url, "x").body) == MOST_BODY_BYTES


CANNOT_PULL = Fate(
    stop_after=12.0, stop_code="TaskFailedToStart", stop_reason="CannotPullContainerError: manifest unknown"
)
Observe = Callable[[ScriptedEcs, int], RoundObservation]


@pytest.fixture
def clock() -> SimulatedClock:
    """Time that only moves when somebody waits."""
    return SimulatedClock()


@pytest.fixture
def over_http(server: AwsServer, boto: Boto, clock: SimulatedClock) -> Iterator[Observe]:
    """Run one round of the real executor, over HTTP."""

    def observe(ecs: ScriptedEcs, task_count: int) -> RoundObservation:
        server.ecs = ecs
        outputs = fargate_outputs(load_balancer=server.url)
        with executor_on(boto, outputs, clock, timeout=90) as executor:
            observation = executor.run_round(round_of(task_count), lambda _: None)
        assert ecs.running() == 0
        return observation

    yield observe
    server.ecs = None


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure",
    [refusal("ThrottlingException", "Rate exceeded"), refusal("InternalFailure", status=500), Reset()],
    ids=["throttled", "500", "reset"],
)
def test_a_round_survives_failures_of_every_call_and_says_how_many(
    server: AwsServer, over_http: Observe, clock: SimulatedClock, failure: Reply | Reset
) -> None:
    ecs = ScriptedEcs(fargate_outputs(), clock)
    operations = ("UpdateService", "DescribeServices", "ListTasks", "DescribeTasks", "FilterLogEvents")
    for operation in operations:
        server.script[operation].append(failure)
    server.script["GET"].extend([Reply(502), Reply(503), Reset(), Reply(body=boot_report(_stranger()).encode())])
    observation = over_http(ecs, 3)
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}
    assert None not in {task.times.ready_ns for task in observation.tasks}
    # The first two were asked again before the round: when the stack was opened.
    assert observation.requests.api_retries == len(operations) - 2
    assert observation.requests.balancer_in_vain is not None
    assert observation.requests.balancer_in_vain >= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fates", "life", "expected"),
    [
        (dict.fromkeys(range(9), CANNOT_PULL), Life(), {Outcome.FAILED}),
        ({1: Fate(stop_after=17.0)}, Life(), {Outcome.CONTAMINATED, Outcome.STOPPED}),
        ({1: Fate(missing=True)}, Life(), {Outcome.BOOTED, Outcome.FAILED}),
        ({1: Fate(report=lambda _line: [])}, Life(), {Outcome.BOOTED, Outcome.TIMEOUT}),
        ({1: Fate(snapshotter="overlayfs")}, Life(), {Outcome.BOOTED, Outcome.NOT_LAZY}),
        ({}, Life(list_late=30.0, describe_late=15.0, log_late=20.0), {Outcome.BOOTED}),
    ],
    ids=["cannot pull", "stopped and replaced", "missing", "silent", "not lazy", "slow lists"],
)
def test_every_mishap_over_http_is_the_outcome_that_it_is_in_memory(
    over_http: Observe, clock: SimulatedClock, fates: dict[int, Fate], life: Life, expected: set[Outcome]
) -> None:
    observation = over_http(ScriptedEcs(fargate_outputs(), clock, fates=fates, life=life), 2)
    assert {task.outcome for task in observation.tasks} == expected


def test_credentials_that_expire_in_the_middle_end_the_round_and_keep_what_was_seen(
    server: AwsServer, over_http: Observe, clock: SimulatedClock
) -> None:
    server.script["FilterLogEvents"].append(refusal("ExpiredTokenException", "expired"))
    observation = over_http(ScriptedEcs(fargate_outputs(), clock), 2)
    assert {task.outcome for task in observation.tasks} == {Outcome.FAILED}
    assert {task.reason.partition(".")[0] for task in observation.tasks if task.reason} == {
        "The AWS credentials have expired (ExpiredTokenException)"
    }


def _stranger() -> SimulatedTask:
    """A task of another day that only the load balancer still knows."""
    return ScriptedEcs(fargate_outputs(), SimulatedClock()).start_foreign("movie-soci-v2", age_seconds=100)
