"""Forms with settings in the lab: how their tasks were really loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, Round, TaskObservation
from infra.automation import stack
from infra.lab.host import Host
from infra.lab.profiles import DEFAULT_PROFILE
from infra.outputs import StackOutputs
from infra.settings.attached import resolved

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
MEGABYTE = 10**6
WHOLE = ("zstd(level=1)", "gzip(level=1)", "uncompressed", "parallel-pull", "parallel-pull(downloads=2,chunk=4MiB)")
LAZY = ("soci-v2", "soci-v2(min-layer=0)", "soci-v2(span=1MiB,compression=none)")
NOT_READ = "/srv/www/payload/train-0.parquet"
"""A file of 12 MB that the boot does not read: if it crosses the wire, it was prefetched."""


@pytest.fixture(scope="module")
def prefetch(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    listed = tmp_path_factory.mktemp("lists") / "prefetch.json"
    listed.write_text(json.dumps([NOT_READ]))
    return resolved(f"soci-v2-prefetch(files={listed})")


@pytest.fixture(scope="module")
def outputs(prefetch: str) -> Iterator[StackOutputs]:
    name = f"test-forms-{os.getpid()}"
    settings = {
        "variants": ["parquet"],
        "forms": [*WHOLE, *LAZY, prefetch],
        "parquetTestMegabytes": 12,
        "parquetTrainMegabytes": 12,
        "base": "debian",
    }
    try:
        yield stack.up(name, settings, lambda _line: None)
    finally:
        stack.down(name, lambda _line: None)


@pytest.fixture(scope="module")
def lab(outputs: StackOutputs) -> Iterator[LabExecutor]:
    with LabExecutor(outputs, profile=DEFAULT_PROFILE, timeout_seconds=60) as executor:
        yield executor


def run(lab: LabExecutor, form: str) -> TaskObservation:
    round_ = Round(block=0, index=0, variant="parquet", form=form, task_count=1)
    [task] = lab.run_round(round_, lambda _phase: None).tasks
    return task


@pytest.mark.parametrize("form", WHOLE)
def test_a_form_that_is_loaded_whole_boots_from_overlayfs_without_fuse(lab: LabExecutor, form: str) -> None:
    task = run(lab, form)
    assert (task.outcome, task.reason) == (Outcome.BOOTED, None)
    assert (task.snapshotter, task.lazy_layers) == ("overlayfs", 0)
    assert task.received_bytes is not None
    assert task.received_bytes > 48 * MEGABYTE


@pytest.mark.parametrize("form", LAZY)
def test_a_lazy_form_with_settings_has_a_fuse_mount_for_each_indexed_layer(
    lab: LabExecutor, outputs: StackOutputs, form: str
) -> None:
    task = run(lab, form)
    assert (task.outcome, task.reason) == (Outcome.BOOTED, None)
    assert task.snapshotter == "soci"
    assert task.lazy_layers == len(outputs.variants["parquet"].treatments[form].ztocs)


def test_without_a_minimum_every_layer_is_lazy(outputs: StackOutputs) -> None:
    treatments = outputs.variants["parquet"].treatments
    assert treatments["soci-v2"].skipped_layers != ()
    assert treatments["soci-v2(min-layer=0)"].skipped_layers == ()


def test_what_a_prefetch_list_names_crosses_the_wire_before_the_start_though_the_boot_does_not_read_it(
    lab: LabExecutor, prefetch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the pull: later, the snapshotter fetches the rest of every layer in the background."""
    pulled, pull = list[int](), Host.pull

    def pull_and_look(host: Host, image: str, snapshotter: str, *, timeout_seconds: float) -> None:
        pull(host, image, snapshotter, timeout_seconds=timeout_seconds)
        pulled.append(host.received_bytes())

    monkeypatch.setattr(Host, "pull", pull_and_look)
    tasks = [run(lab, form) for form in (prefetch, "soci-v2")]
    assert [(task.outcome, task.snapshotter, task.reason) for task in tasks] == [(Outcome.BOOTED, "soci", None)] * 2
    with_list, without = pulled
    assert with_list - without > 11 * MEGABYTE


def test_a_prefetch_that_did_not_happen_is_an_outcome_and_no_measurement(outputs: StackOutputs, prefetch: str) -> None:
    """The same image under a form for which the snapshotter is not told to prefetch."""
    variant = outputs.variants["parquet"]
    promised = variant.treatments[prefetch].model_copy(update={"form": "soci-v2"})
    changed = variant.model_copy(update={"treatments": {"soci-v2": promised}})
    with LabExecutor(
        outputs.model_copy(update={"variants": {"parquet": changed}}), profile=DEFAULT_PROFILE, timeout_seconds=60
    ) as lab:
        task = run(lab, "soci-v2")
    assert task.outcome is Outcome.NOT_LAZY
    assert "parts of 1 layers are fetched before it starts" in (task.reason or "")
