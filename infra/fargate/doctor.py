"""Whether a stack on Fargate can be made from here: credentials, what builds and converts images, plugins, quotas.

Each check asks the real thing and changes nothing. `kit.machine.doctor` does the same for the lab.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.forms import is_lazy
from infra.settings.model import Settings
from infra.sources.daemon import knock
from kit import aws_errors
from kit.aws_answers import whole
from kit.machine import resources
from kit.machine.check import Check
from kit.toolchain import needs

PLUGINS = "https://get.pulumi.com/"
DOCKER_SOCKETS = ("/var/run/docker.sock", "~/.docker/run/docker.sock")
"""Where pulumi-docker looks when ``DOCKER_HOST`` is not set."""
SECONDS = 5.0
UNITS_PER_VCPU = 1024
VCPU_QUOTA = ("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count")
VPC_QUOTA = ("vpc", "L-F678F1CE", "VPCs per Region")
"""Service code, quota code and name, as Service Quotas has them."""


def examine(settings: Settings, task_count: int) -> list[Check]:
    """Every check for a stack with these settings and rounds of up to ``task_count`` tasks."""
    config = Config(retries={"total_max_attempts": 2}, connect_timeout=SECONDS, read_timeout=SECONDS)
    session: Any = boto3.session  # typed for literal names only
    login = credentials(settings.region, config, session)
    known = login.state == "ok"
    return [login, *_tools(settings), *(quotas(settings, task_count, config, session) if known else [])]


def credentials(region: str, config: Config, session: Any) -> Check:
    """Who AWS says we are."""
    try:
        found = whole(session.Session(region_name=region).client("sts", config=config)).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        said = str(aws_errors.translate("GetCallerIdentity", error, then=aws_errors.AGAIN))
        return Check(
            "AWS credentials", "failure", said, "nothing can be made or measured on AWS", "See the line above."
        )
    return Check("AWS credentials", "ok", f"{found['Arn']} in {region}")


def _tools(settings: Settings) -> Iterator[Check]:
    yield system(settings)
    if settings.built_by_docker:
        yield docker()
    if settings.built_by_buildkit:
        yield root()
    wanted = needs.tools_for("fargate", with_buildkit=settings.built_by_buildkit)
    yield from resources.tools(wanted, with_outlook=True)
    for name in ("aws", "docker") if settings.built_by_docker else ("aws",):
        yield plugin(name)


def system(settings: Settings) -> Check:
    """The soci CLI is built for Linux alone."""
    found = platform.system()
    if found == "Linux" or not any(map(is_lazy, settings.forms)):
        return Check("system", "ok", found)
    meaning, advice = "SOCI forms are made on Linux only", "See `sociometer help fargate`, macOS and Windows."
    return Check("system", "failure", found, meaning, advice)


def root() -> Check:
    """BuildKit builds in namespaces."""
    if os.geteuid() == 0:
        return Check("root", "ok", "yes")
    meaning, advice = "BuildKit cannot build without it", "Run it with sudo, or --set builder=docker."
    return Check("root", "failure", f"no, user id {os.geteuid()}", meaning, advice)


def docker() -> Check:
    """The daemon that builds the built-in images, asked as pulumi-docker asks it."""
    host = os.environ.get("DOCKER_HOST") or next(iter(_sockets()), f"unix://{DOCKER_SOCKETS[0]}")
    meaning, advice = "the built-in images cannot be built with it", "Start Docker, or --set builder=buildkit as root."
    try:
        with _docker_client(host) as client:
            found = client.get("/version").raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Check("Docker", "failure", f"no daemon answers at {host}: {error}", meaning, advice)
    return Check("Docker", "ok", f"{found.get('Version', 'of an unknown version')} at {host}")


def _sockets() -> Iterator[str]:
    for place in DOCKER_SOCKETS:
        if Path(place).expanduser().exists():
            yield f"unix://{Path(place).expanduser()}"


def _docker_client(host: str) -> httpx.Client:
    scheme, _, rest = host.partition("://")
    if scheme == "unix":
        knock(Path(rest), SECONDS)
        transport = httpx.HTTPTransport(uds=rest)
        return httpx.Client(transport=transport, base_url="http://docker", timeout=SECONDS)
    if scheme == "tcp":
        return httpx.Client(base_url=f"http://{rest}", timeout=SECONDS, trust_env=False)
    raise ValueError(f"a DOCKER_HOST of the kind {scheme}:// cannot be asked from here")


def plugin(name: str) -> Check:
    """A provider's plugin: on PATH, installed by Pulumi at the SDK's version, or to be downloaded."""
    title, wanted = f"Pulumi plugin {name}", f"resource-{name}-v{version(f'pulumi-{name}')}"
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    if program := shutil.which(f"pulumi-resource-{name}"):
        return Check(title, "ok", program)
    if (home / "plugins" / wanted).is_dir():
        return Check(title, "ok", str(home / "plugins" / wanted))
    try:
        httpx.head(PLUGINS, timeout=SECONDS)
    except httpx.HTTPError as error:
        found = f"{wanted} is not in {home / 'plugins'}, and {PLUGINS} is out of reach: {error}"
        number = wanted.rpartition("-v")[2]
        advice = f"Open the way to it, or bring the file: `pulumi plugin install resource {name} {number} --file …`."
        return Check(title, "failure", found, "`up` cannot work without it", advice)
    return Check(title, "ok", f"{wanted} will be downloaded from {PLUGINS} at the first `up`")


def quotas(settings: Settings, task_count: int, config: Config, session: Any) -> list[Check]:
    """What the stack and its largest round need, against the account's quotas in the region."""
    asked = session.Session(region_name=settings.region)
    limits, ec2 = whole(asked.client("service-quotas", config=config)), whole(asked.client("ec2", config=config))
    vcpus = task_count * settings.cpu_units / UNITS_PER_VCPU

    def vpcs() -> float:
        return len(ec2.describe_vpcs()["Vpcs"]) + 1.0

    checks = [_quota(limits, VCPU_QUOTA, lambda: vcpus, f"{task_count} tasks at once need")]
    if not settings.vpc:
        checks.append(_quota(limits, VPC_QUOTA, vpcs, "with this stack's there are"))
    return checks


def _quota(limits: Any, quota: tuple[str, str, str], amount: Callable[[], float], need: str) -> Check:
    service, code, name = quota
    title = f"quota {name}"
    try:
        allowed = limits.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
        wanted = amount()
    except (BotoCoreError, ClientError) as error:
        said = str(aws_errors.translate("GetServiceQuota", error, then=aws_errors.AGAIN))
        return Check(title, "warning", said, "whether the quota is large enough is not known", f"Look for {code}.")
    found = f"{allowed:g}; {need} {wanted:g}"
    if wanted <= allowed:
        return Check(title, "ok", found)
    advice = (
        "Ask for more: `aws service-quotas request-service-quota-increase --service-code "
        f"{service} --quota-code {code} --desired-value {wanted:g}`."
    )
    return Check(title, "failure", found, "AWS will refuse what is over it", advice)
