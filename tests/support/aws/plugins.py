"""The stand-ins as programs on PATH, where the engine looks for plugins, and the environment that they read."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from tests.standin.aws.ecr import REGISTRY
from tests.standin.aws.lb import DNS_NAME
from tests.standin.docker.image import STAGES
from tests.support.aws.sent import SENT
from tests.support.aws.server import AwsServer
from tests.support.environments import ROOT
from tests.support.programs import script

PACKAGES = ("aws", "docker")
FORGOTTEN = ("AWS_PROFILE", "AWS_SESSION_TOKEN")


@contextmanager
def provider_standins(
    server: AwsServer,
    *,
    registry: str | None = None,
    load_balancer: str | None = None,
    stages: Mapping[str, str] | None = None,
    sent: Path | None = None,
) -> Iterator[None]:
    """For as long as the block lasts, engines that this process starts use the stand-ins and ``server``.

    ``registry`` (host:port) takes the place of ECR's registry, ``load_balancer`` that of a load balancer's name, and
    ``stages`` that of stages of Dockerfiles: a folder, or ``layout@digest``. What they, and commands that run in the
    block, send to AWS is noted in the file ``sent``.
    """
    overrides = {
        REGISTRY: registry,
        DNS_NAME: load_balancer,
        STAGES: json.dumps(dict(stages or {})),
        SENT: str(sent or ""),
    }
    with tempfile.TemporaryDirectory(prefix="sociometer-plugins-") as folder, patch.dict(os.environ):
        for package in PACKAGES:
            words = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", f"tests.standin.{package}"]
            script(Path(folder) / f"pulumi-resource-{package}", f'exec {shlex.join(words)} "$@"')
        for name in (*FORGOTTEN, *overrides):
            os.environ.pop(name, None)
        os.environ.update(server.environment)
        os.environ.update({name: value for name, value in overrides.items() if value})
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        yield
