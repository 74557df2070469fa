"""Forms that are made by a trace, in the lab: traced, made, and loaded as they promise."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, Round, TaskObservation
from infra.automation import stack
from infra.lab.profiles import DEFAULT_PROFILE
from infra.outputs import StackOutputs, TreatmentOutput
from infra.settings.attached import resolved
from tests.support.aws.command import sociometer
from tests.support.traced import watched_image

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
SILENT = {"variants": [], "minLayerSize": 0}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return watched_image().write(tmp_path_factory.mktemp("traced") / "image")


@pytest.fixture(scope="module")
def trace(own_data: Path, layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("traces") / "trace.json"
    words = ("trace", f"oci:{layout}", "--ready", "exit:0", "--output", str(file))
    sociometer(*words)
    return file


@pytest.fixture(scope="module")
def forms(trace: Path) -> tuple[str, ...]:
    kinds = ("soci-v2-exact(", "soci-v2-layout(", "soci-v2-own-layer(", "soci-v2-own-layer(prefetch=no,")
    return tuple(resolved(f"{kind}trace={trace})") for kind in kinds)


@pytest.fixture(scope="module")
def outputs(layout: Path, forms: tuple[str, ...]) -> Iterator[StackOutputs]:
    name = f"test-traced-{os.getpid()}"
    settings = {**SILENT, "forms": ["plain", "soci-v2", *forms], "images": own(layout)}
    try:
        yield stack.up(name, settings, lambda _line: None)
    finally:
        stack.down(name, lambda _line: None)


def own(layout: Path) -> dict[str, object]:
    return {"it": {"image": f"oci:{layout}", "ready": "exit:0"}}


def treatment(outputs: StackOutputs, form: str) -> TreatmentOutput:
    return outputs.variants["it"].treatments[form]


def run(lab: LabExecutor, form: str) -> TaskObservation:
    [task] = lab.run_round(Round(block=0, index=0, variant="it", form=form, task_count=1), lambda _: None).tasks
    return task


def test_exact_keeps_every_layer_and_names_fewer_spans_than_there_are(
    outputs: StackOutputs, forms: tuple[str, ...]
) -> None:
    plain, exact = treatment(outputs, "soci-v2"), treatment(outputs, forms[0])
    assert [ztoc.layer_digest for ztoc in exact.ztocs] == [ztoc.layer_digest for ztoc in plain.ztocs]
    assert exact.image_digest != plain.image_digest
    assert plain.prefetch == () and sum(entry.spans for entry in exact.prefetch) > 0


def test_layout_writes_layers_anew_and_needs_no_more_spans(outputs: StackOutputs, forms: tuple[str, ...]) -> None:
    exact, laid = (treatment(outputs, form) for form in forms[:2])
    assert {ztoc.layer_digest for ztoc in laid.ztocs} != {ztoc.layer_digest for ztoc in exact.ztocs}
    assert sum(entry.spans for entry in laid.prefetch) <= sum(entry.spans for entry in exact.prefetch)


def test_a_layer_of_its_own_is_one_more_and_its_list_can_be_left_out(
    outputs: StackOutputs, forms: tuple[str, ...]
) -> None:
    exact, _, own_layer, unlisted = (treatment(outputs, form) for form in forms)
    assert len(own_layer.ztocs) == len(exact.ztocs) + 1
    assert 0 < sum(entry.spans for entry in own_layer.prefetch) <= sum(entry.spans for entry in exact.prefetch)
    assert unlisted.prefetch == ()
    assert [ztoc.layer_digest for ztoc in unlisted.ztocs] == [ztoc.layer_digest for ztoc in own_layer.ztocs]


def test_every_form_boots_as_it_promises(outputs: StackOutputs, forms: tuple[str, ...]) -> None:
    with LabExecutor(outputs, profile=DEFAULT_PROFILE, timeout_seconds=100) as lab:
        for form in ("plain", "soci-v2", *forms):
            task = run(lab, form)
            assert (form, task.outcome, task.reason) == (form, Outcome.BOOTED, None)
            assert task.snapshotter == ("overlayfs" if form == "plain" else "soci")


def test_a_trace_of_another_image_is_refused(trace: Path, layout: Path, tmp_path: Path, own_data: Path) -> None:
    other = json.loads(trace.read_text()) | {"digest": f"sha256:{'0' * 64}"}
    (tmp_path / "other.json").write_text(json.dumps(other))
    name, form = f"test-other-{os.getpid()}", f"soci-v2-exact(trace={tmp_path / 'other.json'})"
    given = {"variants": "[]", "minLayerSize": "0", "images": json.dumps(own(layout))}
    words = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    done = sociometer("up", "--stack", name, "--forms", f"plain,{form}", *words, exit_code=1)
    try:
        assert f"The trace is of oci:{layout} (sha256:{'0' * 64}), and the image is sha256:" in done.stderr
        assert "Trace it again with `sociometer trace`." in done.stderr
    finally:
        sociometer("down", "--stack", name)
