"""The forms by a trace, against default SOCI and plain, on two web applications: are the bars met?

    python benchmarks/bench_forms.py [IMAGE …] [--profile fargate-1024-2048] [--forms FORMS] [--blocks 6] [--minutes 8]
    python benchmarks/bench_forms.py --ready http:8080/health web=oci:FOLDER        (an image of your own, in a layout)

IMAGE is `python-web` or `node-web` (`web_images.py`); both, if none is named. Each is traced once, its forms are made,
and a sweep runs every form once in each block, in random order. With --minutes it stops by itself; call it again, and
it goes on. Prints seconds until ready (medians), ratios with 95 % intervals paired by block, and megabytes on the
wire. Bars at 1 vCPU: `soci-v2-exact` at most 0.85 times default soci-v2, the best form at most 0.72 times soci-v2 and
0.55 times plain; below 1 vCPU: no form by a trace slower than soci-v2 beyond its interval. Exits with 1 when one is
missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from benchmarks import lab_forms, web_images
from benchmarks.lab_forms import Measured
from benchmarks.points import Point
from experiments.analysis.findings import Comparison
from infra.lab.profiles import profile as profile_named
from infra.settings.values import words_of
from kit.errors import SettingsError, SociometerError

PROFILE = "fargate-1024-2048"
FORMS = "plain,soci-v2,soci-v2-exact,soci-v2-layout"
BLOCKS = 6
EXACT_BAR, BEST_BAR, PLAIN_BAR = 0.85, 0.72, 0.55
INTERRUPTED = 130


def image_of(word: str, ready: str | None) -> Measured:
    """The image that a word of the command line means."""
    if word in web_images.WEB_IMAGES:
        return Measured(word, f"oci:{web_images.made(word).layout}", web_images.WEB_IMAGES[word].ready)
    name, equals, reference = word.partition("=")
    if not equals or not reference.startswith("oci:") or ready is None:
        raise SettingsError(
            f"{word!r} is no image here. Allowed: {', '.join(web_images.WEB_IMAGES)}, or NAME=oci:FOLDER with --ready."
        )
    return Measured(name, reference, ready)


def table(found: Point) -> str:
    """One line per form."""
    head = f"{found.image.name}, {found.profile}, {found.blocks} blocks"
    lines = [head, f"  {'form':24} {'ready':>8} {'MB':>7}  {'÷ soci-v2':24} {'÷ plain':24}"]
    for form in found.forms:
        ratios = [text(found.ratio(form, control)) if form != control else "" for control in ("soci-v2", "plain")]
        seconds, megabytes = found.median_seconds(form), found.median_megabytes(form)
        lines.append(f"  {form:24} {seconds:7.2f}s {megabytes:7.0f}  {ratios[0]:24} {ratios[1]:24}")
    return "\n".join(lines)


def text(ratio: Comparison | None) -> str:
    """A ratio with its interval."""
    if ratio is None:
        return ""
    interval = ratio.interval
    return f"{ratio.ratio:.3f}" + (f" ({interval.low:.3f} to {interval.high:.3f})" if interval else "")


def bars(found: Point) -> Iterator[tuple[str, bool]]:
    """Each bar in words, and whether it is met."""
    if profile_named(found.profile).vcpu < 1:
        for form in found.forms:
            ratio = found.ratio(form, "soci-v2")
            if form.startswith("soci-v2-") and ratio is not None and ratio.interval is not None:
                yield f"{form} not slower than soci-v2: {text(ratio)}", ratio.interval.low <= 1
        return
    yield from _bar(found, "soci-v2-exact", "soci-v2", EXACT_BAR)
    best = min((form for form in found.forms if form != "plain"), key=lambda form: found.median_seconds(form) or 0)
    yield from _bar(found, best, "soci-v2", BEST_BAR)
    yield from _bar(found, best, "plain", PLAIN_BAR)


def _bar(found: Point, form: str, control: str, most: float) -> Iterator[tuple[str, bool]]:
    ratio = found.ratio(form, control) if form != control else None
    if ratio is not None:
        below = ratio.interval is not None and ratio.interval.high < 1
        yield f"{form} ÷ {control} ≤ {most}, interval below 1: {text(ratio)}", ratio.ratio <= most and below


def main() -> int:
    """Measure what is not measured yet, and print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument("--ready")
    parser.add_argument("--profile", default=PROFILE)
    parser.add_argument("--forms", default=FORMS)
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only-prepare", action="store_true", help="make images, traces and forms; measure nothing")
    parser.add_argument("--only-print", action="store_true", help="print what is measured so far")
    options = parser.parse_args()
    missed = False
    for word in options.images or web_images.WEB_IMAGES:
        image = image_of(word, options.ready)
        forms = lab_forms.forms_of(image, words_of(options.forms))
        if options.only_prepare:
            lab_forms.prepared(image, forms)
            continue
        if not options.only_print:
            with lab_forms.at_most(options.minutes):
                lab_forms.measured(image, forms, options.profile, options.blocks)
        sweep = lab_forms.earlier(image, forms, options.profile, options.blocks)
        if sweep is None:
            print(f"{image.name} is not measured under {options.profile}.")
            continue
        found = lab_forms.point(image, sweep)
        print(table(found))
        for words, met in bars(found):
            missed |= not met
            print(f"  {'met' if met else 'MISSED'}: {words}")
    return int(missed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SociometerError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("Stopped; what is finished is kept. Call it again to go on.", file=sys.stderr)
        sys.exit(INTERRUPTED)
