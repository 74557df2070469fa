"""Where the forms are compared for `docs/choosing.md`: a base point, one factor at a time, and what interacts. Pure.

A whole grid of these levels would have hundreds of points; here are a few. What may hang together is measured together:
how much a boot reads and the task's CPU, the image's size and the network's rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.points import Point
from benchmarks.synthetic import Synthetic
from infra.lab.profiles import profile

BASE_IMAGE = Synthetic(megabytes=300, files=5000, share=0.1)
BASE_PROFILE = "fargate-1024-2048"
FORMS = ("plain", "zstd", "soci-v2", "soci-v2-exact")
LAYOUT = "soci-v2-layout"
BLOCKS = 3


@dataclass(frozen=True)
class Place:
    """A point to be measured: the factor that differs from the base, its level in words, and what that is."""

    factor: str
    level: str
    image: Synthetic = BASE_IMAGE
    settings: str = ""
    layout: bool = False

    @property
    def label(self) -> str:
        """What it is called on the page."""
        return f"{self.factor}: {self.level}"

    @property
    def profile(self) -> str:
        """The lab profile's text."""
        return f"{BASE_PROFILE}({self.settings})" if self.settings else BASE_PROFILE

    @property
    def forms(self) -> tuple[str, ...]:
        """What is measured here; the layout only where it may matter."""
        return (*FORMS, LAYOUT) if self.layout else FORMS


def _image(megabytes: int = 300, files: int = 5000, share: float = 0.1) -> Synthetic:
    return Synthetic(megabytes, files, share)


BASE = Place("base", "300 MB, 5,000 files, boot reads 10 %, 1 Gbit/s, 1 ms, 1 vCPU", layout=True)
PLACES = (
    BASE,
    Place("vCPU", "0.25", settings="vcpu=0.25", layout=True),
    Place("image size", "600 MB", _image(megabytes=600), layout=True),
    Place("image size", "100 MB", _image(megabytes=100)),
    Place("share read at boot", "2 %", _image(share=0.02), layout=True),
    Place("share read at boot", "100 %", _image(share=1.0)),
    Place("files", "30,000", _image(files=30_000), layout=True),
    Place("rate", "200 Mbit/s", settings="rate=200Mbit"),
    Place("delay", "20 ms", settings="delay=20ms"),
    Place("share read at boot", "40 %", _image(share=0.4), layout=True),
    Place("share and vCPU", "2 %, 0.25 vCPU", _image(share=0.02), "vcpu=0.25"),
    Place("share and vCPU", "100 %, 0.25 vCPU", _image(share=1.0), "vcpu=0.25"),
    Place("size and rate", "600 MB, 200 Mbit/s", _image(megabytes=600), "rate=200Mbit"),
    Place("size and rate", "100 MB, 200 Mbit/s", _image(megabytes=100), "rate=200Mbit"),
    Place("files", "500", _image(files=500)),
    Place("rate", "4 Gbit/s", settings="rate=4Gbit"),
    Place("delay", "5 ms", settings="delay=5ms"),
    Place("vCPU", "0.5", settings="vcpu=0.5"),
)
"""In the order of measuring, so that what is measured first says most."""


WEB_PROFILES = {"1 vCPU": BASE_PROFILE, "0.25 vCPU": f"{BASE_PROFILE}(vcpu=0.25)"}
WEB_IMAGES = ("python-web", "node-web")


def found(points: Sequence[Point]) -> Iterator[tuple[str, Point]]:
    """What was measured, under its label: the web applications, then the grid with the levels of a factor together."""
    known = {(point.image.name, point.profile): point for point in points}
    for image in WEB_IMAGES:
        for vcpu, task in WEB_PROFILES.items():
            if (image, task) in known:
                yield f"{image}, {vcpu}", known[image, task]
    for place in sorted(PLACES, key=_place_on_page):
        if (place.image.name, place.profile) in known:
            yield place.label, known[place.image.name, place.profile]


def labels() -> list[str]:
    """What the points of the grid are called on the page, in its order."""
    return [place.label for place in sorted(PLACES, key=_place_on_page)]


def _place_on_page(place: Place) -> tuple[float, ...]:
    """Factors in the order of the grid, and the levels of each from small to large."""
    factors = list(dict.fromkeys(place.factor for place in PLACES))
    task, image = profile(place.profile), place.image
    levels = (task.vcpu, task.rate_bits_per_second or 0, task.round_trip_seconds)
    return (factors.index(place.factor), image.megabytes, image.share, image.files, *levels)
