from datetime import UTC, datetime

from infra.lab.metadata import Identity, container_document, task_document

IDENTITY = Identity("arn:x", "c0", "r/x@sha256:1", "sha256:1", 0.25, 512 * 2**20, "10.0.0.2")


def test_the_task_document_names_the_task_and_its_limits() -> None:
    document = task_document(IDENTITY, "soci", datetime(2026, 1, 2, tzinfo=UTC))
    assert document["TaskARN"] == "arn:x"
    assert document["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert document["ClockDrift"]["ReferenceTimestamp"] == "2026-01-02T00:00:00Z"


def test_the_snapshotter_is_told_per_container_as_fargate_does() -> None:
    document = task_document(IDENTITY, "soci", datetime.now(UTC))
    assert document["Containers"] == [container_document(IDENTITY, "soci")]
    assert document["Containers"][0]["Snapshotter"] == "soci"


def test_the_uri_is_the_link_local_one_of_ecs() -> None:
    assert IDENTITY.uri == "http://169.254.170.2/v4/c0"
