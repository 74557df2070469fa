"""`sociometer relayout` on a generated image: time and memory, against copying and hashing the same bytes.

    python benchmarks/bench_relayout.py [--megabytes 1000] [--files 55000] [--pairs 1] [--no-mount]

The image has three layers of files as a Python image has them: most small, a few of many megabytes, half of the bytes
compressible. Its boot reads one file in thirty, scattered, and parts of the large ones. Peers, alternating in one run:

* copy: `cp` of the image's layers, with `sync`;
* hash: `sha256sum` of the layers' tars, which any proof of equality must at least do.

Prints every run, ratios, and the peak memory of this process and of the tools that it runs. Needs root for the mounts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import statistics
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from infra.oci import layout
from infra.oci.names import parse
from infra.oci.soci import IndexOptions
from infra.relayout import proof
from infra.relayout.make import Request, relayout
from infra.relayout.report import RelayoutReport
from infra.relayout.streams import GzipWriter, Sha256Writer, unpack
from infra.settings.model import machine_platform
from infra.sources import own
from infra.trace.model import Trace, TracedFile, TracedLayer
from kit.command import run
from kit.scratch import scratch

TIME_BAR_SECONDS, MEMORY_BAR_MB = 90.0, 500.0
LIMIT_SECONDS = 600.0
SHARES = {"base": 0.1, "packages": 0.85, "app": 0.05}
"""Of the bytes and files."""
ONE_IN = 30
PAGE = 4096
POOL_BYTES = 8 << 20


@dataclass(frozen=True)
class Made:
    """The image as a layout, and the trace of its boot."""

    folder: Path
    trace: Trace


class Contents:
    """Bytes for files, half of them compressible, quickly."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same image each time
        words = [self._random.randbytes(self._random.randint(2, 9)) for _ in range(5000)]
        text = b"".join(self._random.choices(words, k=POOL_BYTES // 6))
        self._pools = (text, self._random.randbytes(POOL_BYTES))

    def sizes(self, count: int, total: int) -> list[int]:
        """Sizes of so many files that have ``total`` bytes together: a long tail, as libraries have it."""
        drawn = [self._random.lognormvariate(0, 1.6) for _ in range(count)]
        return [max(1, round(size * total / sum(drawn))) for size in drawn]

    def of(self, size: int) -> bytes:
        """A file's content."""
        pool = self._random.choice(self._pools)
        start = self._random.randrange(len(pool))
        content = pool[start : start + size]
        while len(content) < size:
            content += pool[: size - len(content)]
        return content

    def ranges(self, size: int) -> tuple[tuple[int, int], ...]:
        """Pages that a boot reads of a file: all of a small one, a quarter of a large one."""
        if size < 1 << 20:
            return ((0, -(-size // PAGE) * PAGE),)
        step = 1 << 18
        return tuple((at, at + step // 4) for at in range(0, size - step, step))


def make_image(room: Path, megabytes: int, files: int) -> Made:
    """Write the image as a layout."""
    contents, folder = Contents(1), room / "image"
    (folder / "blobs/sha256").mkdir(parents=True)
    layers, read = [], list[TracedFile]()
    for place, (name, share) in enumerate(SHARES.items()):
        sizes = contents.sizes(int(files * share), int(megabytes * 1e6 * share))
        layers.append(_layer(folder, name, sizes, contents))
        numbers = random.Random(place).sample(  # noqa: S311
            range(len(sizes)), max(1, len(sizes) // ONE_IN)
        )
        read += [
            TracedFile(path=_path(name, at), layer=place, size_bytes=sizes[at], ranges=contents.ranges(sizes[at]))
            for at in numbers
        ]
    os, architecture = machine_platform().split("/")
    config = {
        "os": os, "architecture": architecture, "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
    }  # fmt: skip
    value = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.write_blob(folder, _json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor for descriptor, _ in layers],
    }  # fmt: skip
    layout.write_image(folder, _json(value), value["mediaType"])
    trace = Trace(
        image=f"oci:{folder}",
        digest=layout.only_digest(folder),
        platform=machine_platform(),
        ready="exit:0",
        ready_ms=1000,
        layers=tuple(
            TracedLayer(digest=it["digest"], diff_id=diff_id, media_type=it["mediaType"], size_bytes=it["size"])
            for it, diff_id in layers
        ),
        files=tuple(read),
    )
    return Made(folder, trace)


def _layer(folder: Path, name: str, sizes: list[int], contents: Contents) -> tuple[dict[str, Any], str]:
    path = folder / "layer"
    with path.open("wb") as file:
        blob = Sha256Writer(file)
        with GzipWriter(blob) as packed:
            plain = Sha256Writer(packed)
            with tarfile.open(fileobj=_Stream(plain), mode="w|") as tar:  # type: ignore[arg-type]
                for member, content in _members(name, sizes, contents):
                    tar.addfile(member, BytesIO(content))
    path.rename(layout.blob_path(folder, blob.digest))
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size_bytes}, plain.digest


@dataclass(frozen=True)
class _Stream:
    """What tarfile writes to."""

    sink: Sha256Writer

    def write(self, content: bytes) -> int:
        self.sink.write(content)
        return len(content)


def _members(name: str, sizes: list[int], contents: Contents) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for number, size in enumerate(sizes):
        if number % 40 == 0:
            member = tarfile.TarInfo(_path(name, number).rpartition("/")[0])
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            yield member, b""
        member = tarfile.TarInfo(_path(name, number))
        member.size, member.mtime = size, 1_700_000_000 + number
        yield member, contents.of(size)


def _path(name: str, number: int) -> str:
    return f"{name}/part-{number // 40:04}/file-{number % 40:02}.py"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def ours(made: Made, room: Path, number: int) -> RelayoutReport:
    """Lay the image out, with all its checks."""
    image = own.resolve(parse(f"oci:{made.folder}"), made.trace.platform)
    options = IndexOptions(4 << 20, 10 << 20, made.trace.platform)
    began = time.monotonic()

    def notify(line: str) -> None:
        print(f"    {time.monotonic() - began:5.1f} s: {line}", flush=True)

    return relayout(Request(image, made.trace, options, room / f"out-{number}"), notify)


def copied(made: Made, room: Path, number: int) -> float:
    """Copy the layers and wait until they are on the disk."""
    began = time.monotonic()
    run(["cp", "-r", made.folder, room / f"copy-{number}"], timeout_seconds=LIMIT_SECONDS)
    run(["sync", "-f", room], timeout_seconds=LIMIT_SECONDS)
    return time.monotonic() - began


def hashed(tars: list[Path]) -> float:
    """Hash the layers' tars."""
    return run(["sha256sum", *tars], timeout_seconds=LIMIT_SECONDS).seconds


def main() -> None:
    """Make the image, run all of them in turn, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=55_000)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--no-mount", action="store_true", help="compare the layers alone, as without root")
    options = parser.parse_args()
    if options.no_mount:
        proof.why_not_mounted = lambda: "as asked"
    with scratch("bench") as room:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:  # its memory is not ours
            made = apart.submit(make_image, room, options.megabytes, options.files).result()
        tars = []
        for layer in made.trace.layers:
            tars.append(room / f"tar-{len(tars)}")
            with tars[-1].open("wb") as file:
                unpack(layout.blob_path(made.folder, layer.digest), layer.media_type, file)
        before = _peak_megabytes(resource.RUSAGE_SELF)
        seconds: dict[str, list[float]] = {"relayout": [], "copy": [], "hash": []}
        for number in range(options.pairs):
            cpu = _cpu_seconds()
            report = ours(made, room, number)
            seconds["relayout"].append(report.seconds)
            print(f"of the processor, our own and the tools' together: {_cpu_seconds() - cpu:.0f} s")
            seconds["copy"].append(copied(made, room, number))
            seconds["hash"].append(hashed(tars))
            print(", ".join(f"{name} {each[-1]:.1f} s" for name, each in seconds.items()))
        for layer in report.layers:
            print(
                f"  {layer.size_bytes / 1e6:.0f} MB → {layer.new_size_bytes / 1e6:.0f} MB, spans touched "
                f"{layer.spans_touched} → {layer.new_spans_touched} of {layer.new_span_count}, {layer.kept_because}"
            )
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name in ("copy", "hash"):
        print(f"relayout ÷ {name}: {medians['relayout'] / medians[name]:.1f}")
    peak, children = _peak_megabytes(resource.RUSAGE_SELF), _peak_megabytes(resource.RUSAGE_CHILDREN)
    print(f"peak memory {peak:.0f} MB (before it began {before:.0f} MB), of the largest tool {children:.0f} MB")
    print(f"{report.paths} paths were found equal: {report.proof}")
    assert medians["relayout"] < TIME_BAR_SECONDS * options.megabytes / 1000, "slower than the bar"
    assert peak < MEMORY_BAR_MB, "more memory than the bar"


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_megabytes(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    main()
