"""From a source image in a registry to a SOCI image in it: `oci.forms` against the usual commands, side by side.

    python benchmarks/bench_index_pipeline.py [--megabytes 700] [--pairs 3]

Two peers alternate with ours in one run, each with an empty store (started before the clock) and its own repository:

* usual: `ctr image pull` + `soci create` + `soci push`, as in most articles;
* fetch: the same without unpacking (`ctr content fetch`), which articles could do but do not.

Prints every run, medians and ratios. Needs root. Its registry, stores and images are temporary.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.oci import soci
from infra.oci.containerd import private_containerd
from infra.oci.forms import FormRequest, make
from infra.oci.layout import reserve
from infra.oci.manifest import SOCI_INDEX_V1, Reference
from infra.oci.pushed import present
from infra.oci.regctl import Access, Deadline, Regctl
from kit.command import run
from kit.scratch import scratch
from kit.toolchain.toolbox import tool
from tests.support.images import SourceImage, push_image
from tests.support.registry import TestRegistry, registry

HTTP = Access(plain_http=True)
LIMIT_SECONDS = 600.0
BAR = 2.0


@dataclass(frozen=True)
class Bench:
    """A registry with the source image."""

    lab: TestRegistry
    image: SourceImage

    def ours(self, number: int) -> float:
        """Make soci-v2 with `make`; the time includes its checks."""
        request = FormRequest(self.image.reference, f"{self.lab.host}/ours-{number}", "soci-v2", access=HTTP)
        result = make(request, timeout_seconds=LIMIT_SECONDS)
        assert present(result.pushed, HTTP), "our image is not in the registry"
        return result.seconds

    def usual(self, number: int) -> float:
        """Pull (unpacked), create, push."""
        return self._peer(f"usual-{number}", ("image", "pull", "--local", "--plain-http"))

    def fetch(self, number: int) -> float:
        """Fetch (not unpacked), create, push."""
        return self._peer(f"fetch-{number}", ("content", "fetch", "--plain-http"))

    def _peer(self, repository: str, pull: tuple[str, ...]) -> float:
        plain = FormRequest(self.image.reference, f"{self.lab.host}/{repository}", "plain", access=HTTP)
        image = make(plain, timeout_seconds=LIMIT_SECONDS).image
        options = soci.IndexOptions(plain.span_bytes, plain.min_layer_bytes, plain.platform)
        deadline = Deadline(LIMIT_SECONDS)
        with scratch("bench") as room, private_containerd(room) as socket:
            os.sync()
            began = time.monotonic()
            run([tool("ctr"), "--address", socket, *pull, image], timeout_seconds=LIMIT_SECONDS)
            soci.create(image, socket, room / "soci", options, deadline)
            soci.push(image, socket, room / "soci", plain.platform, HTTP, deadline)
            seconds = time.monotonic() - began
        assert Regctl(HTTP, deadline).referrers(Reference.parse(image), SOCI_INDEX_V1), "no index was pushed"
        return seconds


def main() -> None:
    """Run the pairs in turn and print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=700)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    with scratch("bench-space") as room:
        reserve(room, arguments.megabytes * 5_000_000)
        (room.parent / "needs").unlink()
    with registry() as lab:
        image = push_image(f"{lab.host}/source", [arguments.megabytes * 1_000_000])
        _report(_measure(Bench(lab, image), arguments.pairs), arguments.megabytes)


def _measure(bench: Bench, pairs: int) -> dict[str, list[float]]:
    runs: dict[str, Callable[[int], float]] = {"ours": bench.ours, "usual": bench.usual, "fetch": bench.fetch}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(pairs):
        for name, measure in runs.items():
            os.sync()  # so that no run pays for unwritten data of the one before
            seconds[name].append(measure(number))
            print(f"pair {number + 1}  {name:<6} {seconds[name][-1]:6.2f} s", flush=True)
    return seconds


def _report(seconds: dict[str, list[float]], megabytes: int) -> None:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"\nsource image of {megabytes} MB, one layer; medians of {len(seconds['ours'])} runs each")
    for name, median in medians.items():
        print(f"  {name:<6} {median:6.2f} s  {median / medians['ours']:.2f} x ours")
    ratio = medians["usual"] / medians["ours"]
    verdict = "met" if ratio >= BAR else "MISSED"
    print(f"index pipeline: {ratio:.2f} x faster than the usual commands (bar {BAR:g}: {verdict})")


if __name__ == "__main__":
    main()
