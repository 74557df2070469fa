"""Images of the local daemon for a command in the container: sent to its volume, where the command reads archives.

The container gets no way to the daemon: whoever may use that, may do anything on its machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from subprocess import PIPE, Popen

from infra.lab_container.engine import Engine, LocalImage
from infra.lab_container.session import SENT, Session
from infra.oci.names import parse
from kit import child
from kit.command import last_lines
from kit.errors import CommandFailed, ImageError
from kit.values import Notify

DAEMON = "docker-daemon:"
_WORD = re.compile(rf"(?P<before>(?:--[a-z-]+=)?(?:[a-z0-9-]+=)?)(?P<reference>{DAEMON}.+)")
PIECE_BYTES = 1 << 20
NOTIFY_BYTES = 16 << 20
END_SECONDS = 600.0
"""For both sides to end after the last byte, which may have to be written to a slow disk."""


@dataclass(frozen=True)
class Passed:
    """An image that is sent: what it is called here, and its archive's path on the volume."""

    reference: str
    image: LocalImage
    file: str


def replaced(words: Sequence[str], find: Callable[[str], LocalImage | None]) -> tuple[list[str], list[Passed]]:
    """The words as the container understands them, and the images to send.

    ``docker-daemon:web:dev`` becomes the archive of that image. Raises `ImageError` for one that the daemon does not
    have, `SettingsError` for what is no reference.
    """
    images: dict[str, Passed] = {}

    def archive(match: re.Match[str]) -> str:
        reference = parse(match["reference"]).place
        if reference not in images:
            image = find(reference)
            if image is None:
                raise ImageError(f"The local daemon has no image {reference}. `docker images` lists those that it has.")
            # The name becomes that of the variant.
            name = reference.removeprefix("sha256:").rpartition("/")[2].partition(":")[0].partition("@")[0]
            images[reference] = Passed(reference, image, f"{SENT}/{image.id[:12]}/{name}.tar")
        return f"{match['before']}docker-archive:{images[reference].file}"

    return [_WORD.sub(archive, word) if _WORD.fullmatch(word) else word for word in words], list(images.values())


def send(engine: Engine, passed: Passed, session: Session, notify: Notify) -> None:
    """Stream an image from the daemon into its file; ``notify`` is told how far it is. Raises `CommandFailed`."""
    save, receive = [engine.program, "save", passed.image.id], session.receiving(passed.file)
    with _started(save, stdout=PIPE) as saving, _started(receive, stdin=PIPE) as receiving:
        try:
            _pump(saving, receiving, passed.image.size_bytes, notify)
            said = [process.communicate(timeout=END_SECONDS)[1] for process in (saving, receiving)]
        except BaseException:
            saving.kill()
            receiving.kill()
            raise
    for process, stderr in zip((saving, receiving), said, strict=True):
        if process.returncode:
            raise CommandFailed(
                f"The image {passed.reference} could not be sent to the lab: {engine.name} ended with exit code "
                f"{process.returncode}.{last_lines('', stderr.decode(errors='replace'))}"
            )


def _started(words: Sequence[str], **streams: int) -> Popen[bytes]:
    return child.start(words, stderr=PIPE, env=dict(os.environ), **streams)


def _pump(source: Popen[bytes], target: Popen[bytes], size_bytes: int, notify: Notify) -> None:
    """Copy all that one process writes to the other one, and end its input."""
    reader, writer, done = source.stdout, target.stdin, 0
    assert reader is not None and writer is not None  # noqa: S101 - both are pipes
    target.stdin = None  # `communicate` would flush it
    try:
        with writer:
            while piece := reader.read(PIECE_BYTES):
                writer.write(piece)
                if done // NOTIFY_BYTES != (done + len(piece)) // NOTIFY_BYTES:
                    notify(f"{(done + len(piece)) / 1e6:.0f} of about {size_bytes / 1e6:.0f} MB")
                done += len(piece)
    except BrokenPipeError:
        source.kill()  # the container has ended, and its own words say why
