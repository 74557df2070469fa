"""How heavy a user's own image is, before anything is copied: as its manifest says, or about, where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.oci import ecr
from infra.oci.entry import entered
from infra.oci.manifest import Manifest, Reference, as_image, parse
from infra.oci.names import ImageName
from infra.oci.regctl import Deadline, Regctl
from infra.sources import archives, daemon, own
from kit.errors import ImageError


@dataclass(frozen=True)
class Weight:
    """An image of one platform, and the bytes of its layers.

    Not ``exact`` where the layers lie uncompressed, as in a daemon: then they are more than what will be pulled.
    """

    image: str
    digest: str
    layer_bytes: int
    exact: bool = True


def weigh(name: ImageName, platform: str) -> Weight:
    """Find an image and its size without moving a layer; raises what `own.resolve` raises."""
    digest = own.resolve(name, platform).digest
    match name.transport:
        case "docker-daemon":
            return Weight(str(name), digest, _in_daemon(name, digest), exact=False)
        case "docker-archive":
            return Weight(str(name), digest, archives.layer_bytes_of_docker(Path(name.place), name.tag), exact=False)
        case "registry":
            return Weight(str(name), digest, _in_registry(name, digest).layer_bytes)
        case "oci" | "oci-archive":
            return Weight(str(name), digest, _in_layout(name, digest).layer_bytes)


def _in_registry(name: ImageName, digest: str) -> Manifest:
    with entered(name.host, ecr.region_of(name.host)) as access:
        return as_image(Regctl(access, Deadline(own.ASK_SECONDS)).manifest(Reference(name.place, digest)), name)


def _in_layout(name: ImageName, digest: str) -> Manifest:
    with archives.of_oci(Path(name.place), name.tag) as (_, blob):
        return as_image(parse(blob(digest), name=digest), name)


def _in_daemon(name: ImageName, digest: str) -> int:
    image = daemon.inspect(digest)
    if image is None or image.size_bytes is None:
        raise ImageError(f"The local daemon does not say how large {name.place} is.")
    return image.size_bytes
