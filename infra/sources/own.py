"""A user's own image: found wherever its reference says that it is, and brought into the stack's registry.

`resolve` runs at every `up` and `preview`, moves no layer, and gives the digest that decides whether anything changed.
`copy` brings in exactly that image. Layers of ``docker save`` are not compressed; they become gzip, always the same
way, so that the same image has the same digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.oci import ecr, layout
from infra.oci.config import ImageConfig
from infra.oci.config import parse as parse_config
from infra.oci.entry import entered, regctl_across
from infra.oci.manifest import as_image, digest_of, parse
from infra.oci.names import ImageName
from infra.oci.regctl import Access, Deadline, Regctl
from infra.oci.source import Documents, check_platform, choose
from infra.sources import archives, daemon, layers
from kit.errors import CommandError, ImageError, SociometerError
from kit.scratch import scratch

ASK_SECONDS = 60.0
COPY_SECONDS = 3600.0
NO_ACCESS = Access()
"""Enough where only files are read and written."""
MOST_TAGS = 10
"""Of those that a message names."""


@dataclass(frozen=True)
class ResolvedImage:
    """An image of one platform. ``digest`` is that of its manifest, or of its configuration after `docker save`.

    ``layer_bytes`` are those of its layers as they lie there, which a daemon does not compress; None where its list of
    layers names no sizes, as after `docker save`.
    """

    name: ImageName
    digest: str
    config: ImageConfig
    layer_bytes: int | None = None


def resolve(name: ImageName, platform: str) -> ResolvedImage:
    """Find the image of a platform. Raises `ImageError` or `MachineError` in one line; moves no layer."""
    match name.transport:
        case "registry":
            return ResolvedImage(name, *_in_registry(name, platform))
        case "docker-daemon":
            return ResolvedImage(name, *_in_daemon(name, platform))
        case "docker-archive":
            document = archives.of_docker(Path(name.place), name.tag)
            config = parse_config(_text(document, name), name)
            check_platform(config, platform, name)
            return ResolvedImage(name, digest_of(document), config)
        case "oci" | "oci-archive":
            return ResolvedImage(name, *_in_layout(name, platform))


def require_command(name: object, config: ImageConfig) -> None:
    """Refuse an image that says by itself nothing to run."""
    if not (*config.entrypoint, *config.command):
        raise ImageError(f"The image {name} names no command (neither Entrypoint nor Cmd). Give one with --command.")


def copy(name: ImageName, digest: str, repository: str, tag: str, access: Access) -> None:
    """Bring a resolved image into a registry under a tag; ``access`` is that of the destination."""
    destination = f"{repository}:{tag}"
    if name.transport == "registry":
        with entered(name.host, ecr.region_of(name.host), access.auth_file) as both:
            _regctl("image", "copy", f"{name.place}@{digest}", destination, access=both)
        return
    with scratch("own") as room:
        in_folder = name.transport == "oci"
        source = _linked(name, digest, room / "layout") if in_folder else _imported(name, digest, room, room / "layout")
        _regctl("image", "copy", source, destination, access=access)


def fetch(name: ImageName, digest: str, folder: Path) -> str:
    """Bring a resolved image into an OCI layout in the new ``folder``; gives the digest of its manifest there.

    What lies in a layout on this machine is checked and linked, not copied.
    """
    if name.transport == "oci":
        return _checked(name, digest, folder)
    destination = f"ocidir://{folder}:image"
    if name.transport == "registry":
        with entered(name.host, ecr.region_of(name.host)) as access:
            _regctl("image", "copy", f"{name.place}@{digest}", destination, access=access)
        return layout.only_digest(folder)
    with scratch("own") as room:
        _regctl("image", "copy", _imported(name, digest, room, room / "layout"), destination)
    return layout.only_digest(folder)


def _checked(name: ImageName, digest: str, folder: Path) -> str:
    place = Path(name.place)
    manifest = as_image(layout.read(place, digest), name)
    layout.require_whole(place, manifest)
    layout.link_layout(folder, manifest, place)
    return digest


def _linked(name: ImageName, digest: str, layout: Path) -> str:
    """A folder under a name that regctl can read: its references have no colons, spaces or accents in a path."""
    layout.symlink_to(Path(name.place).absolute(), target_is_directory=True)
    return f"ocidir://{layout}@{digest}"


def _imported(name: ImageName, digest: str, room: Path, layout: Path) -> str:
    """Unpack an archive into a layout, and name the image in it."""
    if name.transport == "oci-archive":
        _regctl("image", "import", *_named(name.tag), f"ocidir://{layout}:image", name.place)
        return f"ocidir://{layout}@{digest}"
    file = Path(name.place)
    if name.transport == "docker-daemon":
        file = room / "saved.tar"
        daemon.save(digest, file)  # not by its name, which may mean another image by now
        archives.of_docker(file, None)
    elif digest_of(archives.of_docker(file, name.tag)) != digest:
        raise ImageError(f"{file} has changed while it was read. Try again when it is whole.")
    _regctl("image", "import", *_named(name.tag), f"ocidir://{layout}:image", str(file))
    layers.check(layout, "image", name)
    packed = ("--to-oci", "--layer-compress", "gzip")
    _regctl("image", "mod", *packed, "--create", f"ocidir://{layout}:packed", f"ocidir://{layout}:image")
    return f"ocidir://{layout}:packed"


def _named(tag: str | None) -> tuple[str, ...]:
    return ("--name", tag) if tag else ()


_Found = tuple[str, ImageConfig, int | None]
"""Digest, configuration and bytes of the layers."""


def _in_registry(name: ImageName, platform: str) -> _Found:
    try:
        with entered(name.host, ecr.region_of(name.host)) as access:
            regctl = Regctl(access, Deadline(ASK_SECONDS))
            digest = name.digest or _digest_of_tag(regctl, name)
            chosen = choose(Documents.in_registry(regctl, name.place), digest, platform, name)
            return chosen.digest, chosen.config, chosen.manifest.layer_bytes
    except ImageError as error:
        raise type(error)(f"{error}{_hint_of_daemon(name)}") from error


def _digest_of_tag(regctl: Regctl, name: ImageName) -> str:
    digest = regctl.digest(name.place, str(name.tag))
    if digest is None:
        tags = regctl.tags(name.place)
        more = f" and {len(tags) - MOST_TAGS} more" if len(tags) > MOST_TAGS else ""
        has = f"it has {', '.join(tags[-MOST_TAGS:])}{more}" if tags else "there is no such repository, or it is empty"
        raise ImageError(f"There is no tag {name.tag} in {name.place}; {has}.")
    return digest


def _hint_of_daemon(name: ImageName) -> str:
    """Where a registry does not have an image and the local daemon does: what to type."""
    short = str(name).removeprefix("docker.io/library/").removeprefix("docker.io/")
    try:
        known = not name.digest and daemon.socket_path() is not None and daemon.inspect(short) is not None
    except SociometerError:
        return ""
    return f" The local daemon has it: docker-daemon:{short}." if known else ""


def _in_daemon(name: ImageName, platform: str) -> _Found:
    image = daemon.inspect(name.place)
    if image is None:
        raise ImageError(f"The local daemon has no image {name.place}. `docker images` lists those that it has.")
    check_platform(image.config, platform, name)
    return image.id, image.config, image.size_bytes


def _in_layout(name: ImageName, platform: str) -> _Found:
    place = Path(name.place)
    if name.transport == "oci" and not place.is_dir():
        raise ImageError(f"There is no folder {place}. An archive of an OCI layout is oci-archive:FILE.")
    if name.transport == "oci-archive" and place.is_dir():
        raise ImageError(f"{place} is a folder, no archive. A folder of OCI layout is oci:FOLDER.")
    with archives.of_oci(place, name.tag) as (digest, blob):
        documents = Documents(lambda wanted: parse(blob(wanted), name=wanted), lambda wanted: _text(blob(wanted), name))
        chosen = choose(documents, digest, platform, name)
        return chosen.digest, chosen.config, chosen.manifest.layer_bytes


def _text(document: bytes, name: ImageName) -> str:
    try:
        return document.decode()
    except UnicodeDecodeError as error:
        raise ImageError(f"{name} is corrupt: its configuration is no text.") from error


def _regctl(*words: str, access: Access = NO_ACCESS) -> None:
    try:
        regctl_across(*words, access=access, seconds=COPY_SECONDS)
    except CommandError as error:
        raise ImageError(f"The image could not be copied: {str(error).splitlines()[-1].strip()}.") from error
