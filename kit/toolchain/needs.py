"""Which tools a purpose needs: the lab all of them, Fargate those that make images and stacks, reading none."""

from __future__ import annotations

import platform

from kit.errors import SettingsError
from kit.toolchain import packages
from kit.toolchain.pins import TOOLS, Tool

ON_FARGATE = ("go", "regctl", "soci", "pulumi")
"""Go compiles the programs that measure inside the images. None of these needs root."""
FOR_BUILDKIT = ("runc", "buildkit")
"""Where BuildKit, as root, builds images for Fargate in Docker's place."""
ON_DEBIAN = ("mmdebstrap",)
"""Makes base images out of Debian packages, with apt; elsewhere they come from a registry."""
ON_LINUX = ("soci",)
PURPOSES = ("lab", "fargate", "read")


def tools_for(purpose: str, *, with_buildkit: bool = False) -> tuple[Tool, ...]:
    """The tools that are needed here, in the order in which they are installed. Raises `SettingsError`."""
    match purpose:
        case "lab":
            left_out = () if packages.manager() is packages.APT else ON_DEBIAN
            return tuple(tool for tool in TOOLS if tool.name not in left_out)
        case "fargate":
            wanted = {*ON_FARGATE, *(FOR_BUILDKIT if with_buildkit else ())}
            wanted -= set() if platform.system() == "Linux" else set(ON_LINUX)
            return tuple(tool for tool in TOOLS if tool.name in wanted)
        case "read":
            return ()
        case _:
            raise SettingsError(f"Tools are needed for one of {', '.join(PURPOSES)}, not for {purpose!r}.")
