"""How heavy a user's own image is, before anything is copied: as its manifest says, or about, where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.oci.names import ImageName
from infra.sources import archives, own
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
    image = own.resolve(name, platform)
    layer_bytes = image.layer_bytes
    if name.transport == "docker-archive":
        layer_bytes = archives.layer_bytes_of_docker(Path(name.place), name.tag)
    if layer_bytes is None:
        raise ImageError(f"The local daemon does not say how large {name.place} is.")
    return Weight(str(name), image.digest, layer_bytes, exact=not name.transport.startswith("docker-"))
