"""``docker.Image``: a Dockerfile built and pushed as one docker-v2 manifest with gzip layers.

Seen of the real one with a Docker daemon, and so here: the image's name is its tag, and only ``repoDigest`` has the
digest; what counts is the content of the build context and not its times; a change is made in place; nobody looks
whether the image is still in the registry, and destroy leaves it there; a build is never twice the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from infra.oci.buildkit import BuildRequest, ImageInLayout, build
from infra.oci.entry import on_this_machine
from kit.command import run
from kit.scratch import scratch
from kit.toolchain.toolbox import tool
from tests.standin.provider import Unsupported
from tests.standin.resource import Resource
from tests.standin.values import Properties, is_known, words

STAGES = "STANDIN_DOCKER_STAGES"
"""Environment variable: JSON, by the name of a stage what takes its place where no image can be pulled: a folder, or
``layout@digest``."""

PUSH_SECONDS = 300.0
BUILD_INPUTS = words("context dockerfile platform args builderVersion contextDigest")


class Image(Resource):
    """``docker:index/image:Image``; its id is its name."""

    inputs = words("imageName build registry skipPush buildOnPreview")
    computed = words("baseImageName context dockerfile platform registryServer repoDigest")
    changing = words("repoDigest")

    def check(self, inputs: Properties, olds: Properties) -> Properties:
        """The content of the build context is an input too; a missing Dockerfile shows in the preview already."""
        build_inputs = inputs.get("build", {})
        if unknown := sorted(build_inputs.keys() - BUILD_INPUTS):
            raise Unsupported(f"The stand-in for docker.Image does not know build.{', build.'.join(unknown)}.")
        if inputs.get("skipPush") or inputs.get("buildOnPreview"):
            raise Unsupported("The stand-in for docker.Image does not know skipPush and buildOnPreview.")
        if not is_known(build_inputs):
            return inputs
        context, dockerfile = _files(build_inputs)
        if not dockerfile.is_file():
            raise Unsupported(f"unable to open dockerfile {dockerfile}: no such file or directory")
        return inputs | {"build": build_inputs | {"contextDigest": _digest(context, dockerfile)}}

    def compared(self, inputs: Properties) -> Properties:
        """Who pushes is no part of the image: a token changes every twelve hours."""
        return inputs | {"registry": inputs.get("registry", {}).get("server")}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        return str(inputs["imageName"]), self._made(inputs)

    def read(self, identity: str, known: Properties) -> Properties | None:
        """The real one does not look."""
        return {}

    def update(self, identity: str, old: Properties, new: Properties) -> Properties:
        return self._made(new)

    def delete(self, identity: str, known: Properties) -> None:
        """The real one leaves the image where it is."""

    def _made(self, inputs: Properties) -> Properties:
        context, dockerfile = _files(inputs["build"])
        return {
            "baseImageName": inputs["imageName"],
            "context": str(context),
            "dockerfile": str(dockerfile),
            "platform": inputs["build"]["platform"],
            "registryServer": _server(inputs),
            "repoDigest": _built_and_pushed(inputs),
        }


def _files(options: Properties) -> tuple[Path, Path]:
    context = Path(options.get("context", ".")).absolute()
    return context, Path(options.get("dockerfile", context / "Dockerfile")).absolute()


def _digest(context: Path, dockerfile: Path) -> str:
    """Of names, contents and rights, without times."""
    key = hashlib.sha256(dockerfile.read_bytes())
    for file in sorted(path for path in context.rglob("*") if path.is_file()):
        key.update(f"{file.relative_to(context)}\0{file.stat().st_mode:o}\0".encode())
        with file.open("rb") as content:
            key.update(hashlib.file_digest(content, "sha256").digest())
    return key.hexdigest()


def _built_and_pushed(inputs: Properties) -> str:
    """The image as ``repository@digest``."""
    name = inputs["imageName"]
    with scratch("docker") as room:
        made = build(_request(inputs["build"]), room / "layout")
        source = f"ocidir://{made.layout}@{made.digest}"
        _regctl(room, inputs, "image", "mod", source, "--to-docker", "--create", name)
        digest = _regctl(room, inputs, "manifest", "head", name).strip()
    return f"{name.rpartition(':')[0]}@{digest}"


def _request(options: Properties) -> BuildRequest:
    context, dockerfile = _files(options)
    stages = json.loads(os.environ.get(STAGES, "{}"))
    return BuildRequest(
        context=context,
        dockerfile=os.path.relpath(dockerfile, context),
        platform=options["platform"],
        folders={name: Path(place) for name, place in stages.items() if "@" not in place},
        images={name: _in_layout(place) for name, place in stages.items() if "@" in place},
        arguments=options.get("args", {}),
        source_date_epoch=time.time_ns() // 10**9,
    )


def _in_layout(place: str) -> ImageInLayout:
    folder, _, digest = place.partition("@")
    return ImageInLayout(Path(folder), digest)


def _regctl(room: Path, inputs: Properties, *arguments: Any) -> str:
    """regctl with the credentials of the program and no other."""
    registry = inputs.get("registry", {})
    server = _server(inputs)
    plain = ["--host", f"reg={server},tls=disabled"] if on_this_machine(server) else []
    (room / "config.json").write_text(json.dumps({"auths": {server: _login(registry)}}))
    environment = {"DOCKER_CONFIG": str(room)}
    return run([tool("regctl"), *plain, *arguments], timeout_seconds=PUSH_SECONDS, env=environment).stdout


def _server(inputs: Properties) -> str:
    return str(inputs.get("registry", {}).get("server") or inputs["imageName"].partition("/")[0])


def _login(registry: Properties) -> dict[str, str]:
    return {key: registry[key] for key in ("username", "password") if key in registry}
