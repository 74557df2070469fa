"""The stand-in as a program."""

from __future__ import annotations

from importlib.metadata import version

from tests.standin.docker.image import Image
from tests.standin.plugin import serve
from tests.standin.provider import Provider, Table
from tests.standin.values import Properties


def connect(configuration: Properties) -> Table:
    """One type, and no functions."""
    return {"docker:index/image:Image": Image()}, {}


serve(Provider(version("pulumi_docker"), connect))
