"""What `tune` races: the image is traced, and the table of candidates filled in with what was traced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.forecast.affordable import Costs, affordable, most_making_seconds
from experiments.plan.candidates import CANDIDATES, FILES, TRACE, Candidates, Sizes, in_order, possible
from infra.forms import FormSpec
from infra.outputs import CONTROL
from infra.settings.attached import resolved
from infra.settings.model import Settings
from infra.settings.values import words_of
from infra.trace.summary import prefetch_list
from kit.errors import SettingsError, SociometerError, TraceError
from kit.scratch import scratch
from sociometer.cli.progress import say

if TYPE_CHECKING:
    from infra.trace.model import Trace


@dataclass(frozen=True)
class Time:
    """How long a race may take: all of it, and what is left of it; and the profile that tasks have."""

    minutes: float
    seconds_left: float
    profile: str


def traced(settings: Settings, name: str, file: Path | None, profile: str, timeout: float) -> Trace:
    """The trace of the image: from a file, or made now, of every layer, in a task that holds what boot reads."""
    from infra.lab.profiles import profile as profile_named  # slow to import, as what is below
    from infra.trace import model
    from infra.trace.record import DEFAULT_PROFILE, Wanted
    from infra.trace.trace import trace as record

    if file is not None:
        try:
            return model.parse(file.read_bytes(), str(file))
        except OSError as error:
            raise TraceError(f"The trace {file} cannot be read: {error.strerror}.") from error
    largest = max(map(profile_named, (profile, DEFAULT_PROFILE)), key=lambda each: (each.memory_bytes, each.vcpu))
    whole = settings.model_copy(update={"min_layer_size": 0})
    say(f"{name}: tracing what its boot reads")
    return record(name, whole, Wanted(settings.images[name], largest, settings.platform, timeout), say)


def chosen_candidates(trace: Trace, settings: Settings, wanted: str | None, time: Time) -> Candidates:
    """The forms to race, in order of preference, by their canonical texts; raises `SettingsError` below two.

    What there is no time for is left out, the least promising first, and those that the table does not know from the
    last one that was named.
    """
    sizes = Sizes(settings.span_size, settings.min_layer_size)
    named = CANDIDATES if wanted is None else tuple(words_of(wanted))
    found = possible(trace, sizes, named)
    found = affordable(found, _costs(trace, time.profile), time.minutes, time.seconds_left)
    with scratch("tune") as room:
        files = {TRACE: room / "trace.json", FILES: room / "files.json"}
        files[TRACE].write_text(trace.model_dump_json(), encoding="utf-8")
        files[FILES].write_text(prefetch_list(trace), encoding="utf-8")
        forms = tuple(resolved(_with_files(form, files)) for form in found.forms)
    if len(forms) < 2:
        raise SettingsError(" ".join(("There is nothing to race: fewer than two forms are left.", *found.left_out)))
    return Candidates(forms if wanted is None else in_order(forms), found.left_out)


def making_seconds(trace: Trace, chosen: Candidates, time: Time) -> float:
    """How long the forms may take to make, so that there is time for the race."""
    return most_making_seconds(chosen.forms, _costs(trace, time.profile), time.seconds_left)


def without_failed(chosen: Candidates, error: SociometerError) -> Candidates:
    """The candidates without those that could not be made, with a line why.

    Raises the error again where it names none of them, or `plain`, without which there is no image; or where fewer than
    two are left.
    """
    lines = str(error).splitlines()
    reasons = {
        form: line.partition(mark)[2].rstrip(".")
        for form in chosen.forms
        for line in lines
        if (mark := f" as {form}: ") in line
    }
    left = tuple(form for form in chosen.forms if form not in reasons)
    if not reasons or CONTROL in reasons or len(left) < 2:
        raise error
    said = (f"{form} is left out, for it could not be made: {reason}." for form, reason in reasons.items())
    return Candidates(left, (*chosen.left_out, *said))


def _costs(trace: Trace, profile: str) -> Costs:
    from infra.lab.profiles import profile as profile_named

    chosen = profile_named(profile)
    size = sum(layer.size_bytes for layer in trace.layers)
    costs = Costs(size, trace.ready_ms / 1000, chosen.vcpu)
    rate = chosen.rate_bits_per_second
    return costs if rate is None else replace(costs, rate_bits_per_second=rate)


def _with_files(form: str, files: dict[str, Path]) -> str:
    spec = FormSpec.parse(form)
    return str(spec.with_file(str(files[spec.file]))) if spec.file in files else form
