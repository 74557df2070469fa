"""The hasher, which computes six hashes in one pass, against six separate programs one after the other.

    python benchmarks/bench_hasher.py [--megabytes 725] [--rounds 5]

Peers: coreutils' md5sum, sha1sum, sha256sum and sha512sum; cksum for CRC-32 (the fastest program; another polynomial,
but the same work); Python's zlib for Adler-32, for which Debian has no program. All alternate in one run and read the
same file of random bytes from the page cache. Prints medians, ratios, and the hasher's peak resident memory for a
small and a large file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.settings.model import machine_platform
from infra.sources import hasher
from infra.sources.synthetic import write_movie
from kit.command import run
from kit.paths import cache_dir
from kit.scratch import scratch
from kit.toolchain.toolbox import tool

LIMIT_SECONDS = 600.0
MEMORY_BAR_MB = 32.0
SMALL_BYTES = 10**6
ADLER32 = """
import sys, zlib
value, buffer = 1, bytearray(1 << 17)
with open(sys.argv[1], "rb", buffering=0) as file:
    while count := file.readinto(buffer):
        value = zlib.adler32(memoryview(buffer)[:count], value)
print(f"{value:08x}")
"""
COREUTILS = ("md5sum", "sha1sum", "sha256sum", "sha512sum", "cksum")
Command = Sequence[str | Path]


def main() -> None:
    """Measure and print; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=725)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    program = hasher.build(machine_platform().removeprefix("linux/"), cache_dir()) / "hasher"
    with scratch("bench") as room:
        large, small = room / "large.mov", room / "small.mov"
        write_movie(large, arguments.megabytes * 10**6, seed=1)
        write_movie(small, SMALL_BYTES, seed=1)
        ratio = compare(program, large, arguments.rounds)
        peaks_mb = [peak_resident_mb(program, path, room / f"{path.name}.pipe") for path in (small, large)]
    print(f"peak resident memory: {peaks_mb[0]:.1f} MB for 1 MB, {peaks_mb[1]:.1f} MB for {arguments.megabytes} MB")
    bar = os.cpu_count() or 1
    print(f"bars: ratio >= {bar} (cores), memory < {MEMORY_BAR_MB:.0f} MB")
    sys.exit(ratio < bar or max(peaks_mb) >= MEMORY_BAR_MB)


def compare(program: Path, file: Path, rounds: int) -> float:
    """The time of the six programs divided by that of the hasher: the median of the rounds' ratios."""
    commands: dict[str, Command] = {"hasher": [program, file]}
    commands |= {name: [tool(name), file] for name in COREUTILS}
    commands["adler32 (zlib)"] = [sys.executable, "-I", "-S", "-c", ADLER32, file]
    file.read_bytes()  # into the page cache
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            seconds[name].append(run(command, timeout_seconds=LIMIT_SECONDS).seconds)
        print(f"round {number}: " + ", ".join(f"{name} {taken[-1]:.2f}" for name, taken in seconds.items()))
    one_pass = seconds.pop("hasher")
    separate: list[float] = [sum(taken) for taken in zip(*seconds.values(), strict=True)]
    ratios: list[float] = [six / one for six, one in zip(separate, one_pass, strict=True)]
    print(f"one pass {statistics.median(one_pass):.2f} s, six programs {statistics.median(separate):.2f} s")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return statistics.median(ratios)


def peak_resident_mb(program: Path, file: Path, pipe: Path) -> float:
    """The hasher's high-water mark after a file, read while it waits for a second file: a pipe without a writer.

    What the kernel reports for a child that has ended (`ru_maxrss`) includes its parent's memory before exec.
    """
    os.mkfifo(pipe)
    with subprocess.Popen([program, file, pipe], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while not process.stdout.readline().startswith("ADLER32"):
                assert process.poll() is None, "the hasher ended too early"
            status = Path(f"/proc/{process.pid}/status").read_text()
            pipe.open("wb").close()
        finally:
            process.kill()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
