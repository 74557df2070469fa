"""`docs/choosing.md`: measures when which form wins, and writes what was measured.

    python benchmarks/choosing.py prepare              (images, traces, stacks; nothing is measured)
    python benchmarks/choosing.py run [--minutes 8]    (measures what the data file lacks; call it again to go on)
    python benchmarks/choosing.py run --again          (measures all anew, or goes on with that)
    python benchmarks/choosing.py collect              (the data file, text and picture from what was measured)
    python benchmarks/choosing.py write                (text and picture from the data in the repository)
    python benchmarks/choosing.py down                 (removes the stacks; images, traces and records stay)

`run` measures the points of `grid.py` with generated images (`synthetic.py`), and takes what `bench_forms.py` has
measured of the two web applications. The rounds go to `docs/choosing.json`; text and picture come from that file alone.
Needs root, as the lab does; about half an hour on two cores, and 5 GB of disk.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import bench_forms, choosing_plot, choosing_text, grid, lab_forms, points, synthetic, web_images
from benchmarks.grid import Place
from benchmarks.lab_forms import Measured
from benchmarks.points import Point
from experiments.store.sweeps import Sweep
from infra.automation import stack
from infra.settings.values import words_of
from kit.errors import SociometerError
from kit.files import write
from sociometer.cli.progress import say

DOCS = Path(__file__).parents[1] / "docs"
DATA, TEXT, PICTURE = DOCS / "choosing.json", DOCS / "choosing.md", DOCS / "choosing.svg"


def image_of(place: Place) -> Measured:
    """The generated image of a point."""
    return Measured(place.image.name, f"oci:{synthetic.made(place.image).layout}", synthetic.READY)


def wanted(*, again: bool) -> list[Place]:
    """The points that the data file lacks; all, if they are to be measured ``again``. A point's forms are compared
    with each other alone, so points need not be of one sitting."""
    known = set() if again or not DATA.exists() else {_key(point) for point in points.read(DATA.read_text())[0]}
    return [place for place in grid.PLACES if (place.image.name, place.profile) not in known]


def prepare(places: Sequence[Place]) -> None:
    """Make images, traces and stacks: what takes time and is not measured."""
    for place in places:
        image = image_of(place)
        lab_forms.prepared(image, lab_forms.forms_of(image, _forms(place)))


def measure(places: Sequence[Place]) -> None:
    """Measure what is not measured yet."""
    for number, place in enumerate(places, 1):
        say(f"point {number} of {len(places)}: {place.factor}, {place.level}")
        image = image_of(place)
        lab_forms.measured(image, lab_forms.forms_of(image, place.forms), place.profile, grid.BLOCKS)


def collect() -> None:
    """Take the finished sweeps from the store into the data file; what is not there now stays as the file has it."""
    before = points.read(DATA.read_text()) if DATA.exists() else ([], {})
    found = {_key(point): point for point in before[0]}
    machine = before[1]
    for image, sweep in _finished():
        point = lab_forms.point(image, sweep)
        found[_key(point)] = point
        machine = lab_forms.machine(sweep)
    write(DATA, points.written(list(found.values()), machine))


def _finished() -> Iterator[tuple[Measured, Sweep]]:
    for name in web_images.WEB_IMAGES:
        image = bench_forms.image_of(name, None)
        forms = lab_forms.forms_of(image, words_of(bench_forms.FORMS))
        for profile in grid.WEB_PROFILES.values():
            yield from _earlier(image, forms, profile, bench_forms.BLOCKS)
    for place in grid.PLACES:
        image = image_of(place)
        yield from _earlier(image, lab_forms.forms_of(image, place.forms), place.profile, grid.BLOCKS)


def _earlier(image: Measured, forms: tuple[str, ...], profile: str, blocks: int) -> Iterator[tuple[Measured, Sweep]]:
    sweep = lab_forms.earlier(image, forms, profile, blocks)
    if sweep is not None and lab_forms.is_finished(sweep):
        yield image, sweep


def _forms(place: Place) -> tuple[str, ...]:
    """All forms that any point needs of an image: a stack is made once."""
    layout = any(other.layout for other in grid.PLACES if other.image == place.image)
    return (*grid.FORMS, grid.LAYOUT) if layout else grid.FORMS


def _key(point: Point) -> tuple[str, str]:
    return point.image.name, point.profile


def write_documents() -> None:
    """Text and picture, from the data file."""
    found, machine = points.read(DATA.read_text())
    write(TEXT, choosing_text.text(found, machine))
    write(PICTURE, choosing_plot.svg(found))
    say(f"wrote {TEXT} and {PICTURE}")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["prepare", "run", "collect", "write", "down"])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    match options.what:
        case "prepare":
            prepare(wanted(again=options.again))
        case "run":
            with lab_forms.at_most(options.minutes):
                measure(wanted(again=options.again))
            collect()
            write_documents()
        case "collect":
            collect()
            write_documents()
        case "write":
            write_documents()
        case "down":
            images = [*map(image_of, grid.PLACES), *(bench_forms.image_of(name, None) for name in grid.WEB_IMAGES)]
            for name in sorted({image.stack for image in images}):
                stack.down(name, say)


if __name__ == "__main__":
    try:
        main()
    except SociometerError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        say("Stopped; what is finished is kept. Call it again to go on.")
        sys.exit(bench_forms.INTERRUPTED)
