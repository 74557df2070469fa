"""Traces an image in a form that a lab stack already has: one start, without copying or indexing anything.

What is measured is traced: the form's own spans and layers, until the same end. A trace is kept in the data folder, by
the image's digest and all that decides what its boot reads, so that a second sweep of the image needs none.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from experiments.executors.lab import LabExecutor
from experiments.plan.plan import Design
from experiments.records.model import Round
from infra.forms import FormSpec
from infra.lab import registry
from infra.lab.cluster import Cluster, clear_orphans
from infra.lab.daemons import PullModes
from infra.lab.profiles import Profile
from infra.lab.profiles import profile as profile_named
from infra.lab.protocol import Ending
from infra.oci.manifest import Reference
from infra.outputs import StackOutputs
from infra.trace import model
from infra.trace.assemble import assemble
from infra.trace.model import Trace
from infra.trace.record import DEFAULT_PROFILE, observe
from infra.trace.seen import About, SeenLayer
from infra.trace.trace import layers_with
from kit.errors import LabError
from kit.files import write
from kit.paths import data_dir
from kit.values import Notify

PREFERRED = "soci-v2"


def traced_form(outputs: StackOutputs, design: Design, variant: str) -> str | None:
    """The form of a variant to trace: soci-v2 as it is, else the first lazy one; None where none is lazy."""
    treatments = outputs.variants[variant].treatments
    forms = [form for form in dict.fromkeys((PREFERRED, *design.forms, *treatments)) if form in treatments]
    return next((form for form in forms if treatments[form].ztocs), None)


def trace(
    outputs: StackOutputs, variant: str, form: str, profile: str, timeout_seconds: float, notify: Notify
) -> Trace:
    """The trace of a variant in a lazy form, made now or kept from before.

    Raises `SociometerError` in one line when the image does not start, or cannot be looked at.
    """
    place = data_dir() / "traces" / f"{_key(outputs, variant, form)}.json"
    if place.exists():
        return model.parse(place.read_bytes(), str(place))
    done = _Tracing(outputs, variant, form, roomy(profile), timeout_seconds).run(notify)
    place.parent.mkdir(parents=True, exist_ok=True)
    write(place, done.model_dump_json() + "\n")
    return done


def _key(outputs: StackOutputs, variant: str, form: str) -> str:
    """Of everything that decides what a boot reads, and how that is written down."""
    output = outputs.variants[variant]
    told = output.model_dump(mode="json", include={"port", "health_path", "ready", "container", "boot_report"})
    parts = [model.SCHEMA_VERSION, output.treatments[form].image_digest, told]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def roomy(name: str) -> Profile:
    """The sweep's profile where it has room for what boots read, else the one of `sociometer trace`."""
    wanted, usual = profile_named(name), profile_named(DEFAULT_PROFILE)
    return wanted if wanted.memory_bytes >= usual.memory_bytes and wanted.vcpu >= usual.vcpu else usual


class _Tracing:
    def __init__(
        self, outputs: StackOutputs, variant: str, form: str, profile: Profile, timeout_seconds: float
    ) -> None:
        self._outputs, self._variant, self._form, self._profile = outputs, variant, form, profile
        self._storage = Path(outputs.registry_storage or "")
        self._treatment = outputs.variants[variant].treatments[form]
        lab = LabExecutor(outputs, profile=profile.name, timeout_seconds=timeout_seconds)
        (task,) = lab.tasks(Round(block=0, index=0, variant=variant, form=form, task_count=1))
        self._task = replace(task, prefetched_layers=0)  # a traced snapshotter fetches nothing unasked

    def run(self, notify: Notify) -> Trace:
        layers = self._layers()
        clear_orphans()
        modes = PullModes(traced=True, v1=FormSpec.parse(self._form).kind == "soci-v1")
        with (
            closing(Cluster.open(self._storage, self._profile, self._outputs.platform)) as cluster,
            cluster.lives([self._task], modes) as (life,),
        ):
            cluster.metered = cluster.judged = False
            notify("booting")
            cluster.live([life], lambda: None)
            if life.run.ending is not Ending.BOOTED:
                raise LabError(f"Its boot could not be traced: {' '.join((life.run.reason or '').split())}")
            (host,) = cluster.hosts
            host.freeze()
            end_ns = life.run.boot_finished_ns if self._task.has_boot_report else life.run.ready_ns
            seen = observe(host, replace(life.run, ready_ns=end_ns), [layer.files for layer in layers])
            notify("clearing")
        return assemble(self._about(), layers, seen)

    def _layers(self) -> list[SeenLayer]:
        manifest = registry.image_manifest(self._storage, self._treatment.image_digest)
        of_layer = {ztoc.layer_digest: ztoc.digest for ztoc in self._treatment.ztocs}
        digests = [of_layer.get(layer.digest) for layer in manifest.layers]
        ztocs = [registry.blob(self._storage, digest) if digest else None for digest in digests]
        return layers_with(manifest.layers, self._task.container.config.diff_ids, ztocs)

    def _about(self) -> About:
        source = Reference.parse(self._outputs.variants[self._variant].source_image)
        return About(
            image=str(source),
            digest=source.digest,
            platform=self._outputs.platform,  # type: ignore[arg-type]
            ready=str(self._task.ready),
            span_bytes=self._treatment.span_bytes or 0,
            recompressed=self._treatment.recompressed,
        )
