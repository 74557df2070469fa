"""Does it change a start that its seconds are accounted for? Starts with and without the sampling, in turn.

    python benchmarks/bench_sampling.py [IMAGE …] [--pairs 10] [--profile fargate-1024-2048]

IMAGE as for `bench_forms.py`, or `synthetic`, the base image of `choosing.py` and the default. Every turn starts one
task of default soci-v2 with and one without sampling, in an order that alternates. Prints medians, the ratio with its
95 % interval paired by turn, and the CPU time of the sampling.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import closing

from benchmarks import bench_forms, choosing, grid
from benchmarks.lab_starts import Turns, startable
from kit.errors import SociometerError
from sociometer.cli.progress import say

SYNTHETIC = "synthetic"
WITH, WITHOUT = "with sampling", "without"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", metavar="IMAGE", default=[SYNTHETIC])
    parser.add_argument("--ready")
    parser.add_argument("--profile", default=bench_forms.PROFILE)
    parser.add_argument("--pairs", type=int, default=10)
    options = parser.parse_args()
    for word in options.images:
        image = choosing.image_of(grid.BASE) if word == SYNTHETIC else bench_forms.image_of(word, options.ready)
        turns, used = Turns(image.name, options.profile), list[float]()
        with startable(image, options.profile, say) as here, closing(here.open()) as cluster:
            here.start(cluster)  # fills the page cache of the registry's files, for both alike
            for turn in range(options.pairs):
                for what in (WITH, WITHOUT) if turn % 2 == 0 else (WITHOUT, WITH):
                    cluster.metered = what == WITH
                    turns.add(what, turn, here.start(cluster))
                    if cluster.metered:
                        used.append(cluster.meter_seconds)
        found = turns.point
        seconds = ", ".join(f"{found.median_seconds(what):.2f} s {what}" for what in (WITH, WITHOUT))
        print(f"{word}, {options.profile}, {options.pairs} turns: {seconds}")
        print(f"  with ÷ without: {bench_forms.text(found.ratio(WITH, WITHOUT))}")
        print(f"  CPU time of the sampling: {statistics.median(used):.2f} s a start")


if __name__ == "__main__":
    try:
        main()
    except SociometerError as error:
        sys.exit(str(error))
