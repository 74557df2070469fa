"""The stand-in as a program."""

from __future__ import annotations

from importlib.metadata import version

from tests.standin.aws.client import Aws
from tests.standin.aws.table import functions, resources
from tests.standin.plugin import serve
from tests.standin.provider import Provider, Table
from tests.standin.values import Properties
from tests.support.aws.sent import noted


def connect(configuration: Properties) -> Table:
    """The tables for one configured provider."""
    aws = Aws.configured(configuration)
    return resources(aws), functions(aws)


with noted():
    serve(Provider(version("pulumi_aws"), connect))
