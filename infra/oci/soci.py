"""Runs the soci command: makes a SOCI index from a layout folder (v2) or from containerd's store (v1).

Which layers soci skips, and why, is only in what it prints, so that is parsed.
"""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.oci import layout
from infra.oci.manifest import Index, Manifest, as_image, split
from infra.oci.regctl import Access, Deadline
from kit.command import Completed, run
from kit.documents import Unreadable, of_json
from kit.errors import CommandFailed, ImageError, MachineError
from kit.toolchain.toolbox import tool

IN_A_CONTAINER = (
    'docker run --rm -it -v "$PWD":/work -w /work -v ~/.aws:/root/.aws -v /var/run/docker.sock:/var/run/docker.sock '
    "-v ~/.local/share/sociometer:/root/.local/share/sociometer debian:12"
)
"""The data folder holds the stacks' state: in the container alone, it would go with it, and the stack stay up."""
_SKIPPED = re.compile(r"^ztoc skipped - layer (sha256:[0-9a-f]{64}) \([^)\n]*\) (.+)$", re.MULTILINE)
_LOGGED = re.compile(r'^time="?[^" ]*"? level=\w+ msg=(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<bare>\S+))')
"""A line of its log, as logrus writes it."""
_BEFORE_CAUSES = re.compile(r"^(soci: |errors encountered while building soci layers; )+")
_SAYING = ": "
_VERBS = ("convert", "create", "push")


@dataclass(frozen=True)
class IndexOptions:
    """What an index is made with: span and minimum layer size in bytes, the platform, and a JSON list of the files that
    are fetched before a task starts."""

    span_bytes: int
    min_layer_bytes: int
    platform: str
    prefetch: Path | None = None

    def flags(self) -> tuple[str, ...]:
        """As soci's ``convert`` and ``create`` take them."""
        sizes = ("--span-size", str(self.span_bytes), "--min-layer-size", str(self.min_layer_bytes))
        prefetch = ("--prefetch-files-json", str(self.prefetch)) if self.prefetch else ()
        return (*sizes, *prefetch, "--platform", self.platform)


@dataclass(frozen=True)
class Converted:
    """A layout that ``convert`` wrote: the image index ``top``, the image and the SOCI index that it names, and soci's
    reasons for skipping layers, by digest."""

    folder: Path
    top: Index
    image: Manifest
    index: Manifest
    reasons: dict[str, str]

    @property
    def documents(self) -> tuple[Index | Manifest, ...]:
        """All three, the one that names the others first."""
        return self.top, self.image, self.index


def require_linux() -> None:
    """Raise `MachineError` where the soci command cannot run, with the two ways around."""
    if sys.platform != "linux":
        system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
        raise MachineError(
            f"SOCI indexes are made by the soci command, which runs on Linux only; this is {system}. Run `sociometer "
            f"up` in a Linux container, such as `{IN_A_CONTAINER}`, or on the stack's bastion (set bastion to true). "
            "`sociometer help fargate` says how."
        )


def convert(source: Path, destination: Path, options: IndexOptions, deadline: Deadline) -> Converted:
    """Write the layout ``source``, with a v2 SOCI index, as the layout ``destination``; meanwhile a copy of each
    indexed layer lies beside it.

    ``destination`` must be empty or new: soci removes what lies there. Raises `ImageError` when soci makes no index.
    """
    layout.claim(destination)
    words = ("convert", "--standalone", "--format", "oci-dir", *options.flags(), str(source), str(destination))
    done = _soci(words, deadline, destination.parent)
    return read_converted(destination, skipped_layers(done.stdout))


def read_converted(folder: Path, reasons: dict[str, str]) -> Converted:
    """What `convert` has written into a layout; raises `ImageError` when that is no image with a SOCI index."""
    digest = layout.only_digest(folder)
    top = layout.read(folder, digest)
    if not isinstance(top, Index):
        raise ImageError(f"soci convert gave {digest}, which is not an image index.")
    index, image = split(top, digest)
    if index is None:
        raise ImageError(f"soci convert gave {digest}, which names no SOCI index.")
    image_manifest, index_manifest = (as_image(layout.read(folder, it.digest), it.digest) for it in (image, index))
    return Converted(folder, top, image_manifest, index_manifest, reasons)


def create(image: str, address: Path, root: Path, options: IndexOptions, deadline: Deadline) -> dict[str, str]:
    """Make a v1 index of an image in containerd's store; its artifacts are noted in ``root``.

    Returns the reasons for which layers were skipped, by digest. A second soci on the same ``root`` waits for
    ever on the lock of its database: that is what the deadline is for.
    """
    root.mkdir(parents=True, exist_ok=True)
    done = _soci((*_store(address, root), "create", *options.flags(), image), deadline, root)
    return skipped_layers(done.stdout)


def push(image: str, address: Path, root: Path, platform: str, access: Access, deadline: Deadline) -> str:
    """Push the v1 index of an image beside it and return its digest; credentials come from the Docker configuration."""
    plain = ("--plain-http",) if access.plain_http else ()
    words = (*_store(address, root), "push", "--quiet", "--existing-index", "allow", *plain, "--platform", platform)
    done = _soci((*words, image), deadline, root, access)
    digests: list[str] = re.findall(r"^sha256:[0-9a-f]{64}$", done.stdout, re.MULTILINE)
    if len(digests) != 1:
        raise ImageError(f"soci push was to print one digest and printed {done.stdout.strip()!r}.")
    return digests[0]


def skipped_layers(output: str) -> dict[str, str]:
    """Digest and reason of each layer that soci said it skipped."""
    return dict(_SKIPPED.findall(output))


def _store(address: Path, root: Path) -> tuple[str, ...]:
    return ("--address", str(address), "--root", str(root))


def _soci(words: tuple[str, ...], deadline: Deadline, temporary: Path, access: Access | None = None) -> Completed:
    """``access`` is given to what goes to a registry, and to nothing else."""
    done = run(
        [tool("soci"), *words],
        timeout_seconds=deadline.remaining_seconds(),
        env={"TMPDIR": str(temporary), **(access.environment() if access else {})},
        check=False,
        trusted=access is not None,
    )
    if done.exit_code != 0:
        verb = next(word for word in words if word in _VERBS)
        raise CommandFailed(f"soci {verb} failed with exit code {done.exit_code}{_SAYING}{_cause(done)}")
    return done


def cause_of(error: CommandFailed) -> str:
    """soci's own words in a failure of it, without ours around them."""
    return str(error).partition(_SAYING)[2] or str(error)


def was_killed(error: CommandFailed) -> bool:
    """Whether soci did not end by itself: then no layer is to blame."""
    return "exit code -" in str(error)


def _cause(done: Completed) -> str:
    """The last thing that soci said, without time stamps, log levels and what it says before every cause."""
    lines = [line.strip() for line in (done.stderr.strip() or done.stdout.strip()).splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    line = lines[-1]
    if logged := _LOGGED.match(line):
        line = _unquoted(logged["quoted"]) if logged["quoted"] else logged["bare"]
    return _BEFORE_CAUSES.sub("", line).strip().rstrip(".")


def _unquoted(text: str) -> str:
    """Go's quoting is JSON's, but for bytes and letters that JSON has no word for: they stay as they are."""
    try:
        return str(of_json(text))
    except Unreadable:
        return text.strip('"')
