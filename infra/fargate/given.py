"""A network that the user has, for a stack to stand in: what AWS must say of it before anything is made. Pure.

The stack makes nothing of it, changes nothing of it, and leaves it as it was. `infra.fargate.program` looks it up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.fargate.rules import EVERYWHERE
from infra.settings.model import Settings
from kit.errors import SettingsError

SERVICES = {"secretsmanager": "Secrets Manager", "ssm": "Systems Manager"}


@dataclass(frozen=True)
class RouteTable:
    """Where packets may go from some subnets; from all that have no table of their own, if it is the ``main`` one.

    ``ways`` are the ids of the gateways and endpoints that its routes lead to.
    """

    subnets: frozenset[str]
    main: bool
    ways: frozenset[str]


@dataclass(frozen=True)
class GivenNetwork:
    """Has the parts that `infra.fargate.network.Network` has, by the same names.

    Tasks may reach any address over HTTPS: whether ECR, S3 and Logs are reached through endpoints, a NAT gateway or a
    public address is the network's affair, and the last two of them have no known range.
    """

    vpc_id: str
    load_balancer_subnet_ids: tuple[str, ...]
    task_subnet_ids: tuple[str, ...]
    gateway: None = None
    endpoints: tuple[()] = ()

    @property
    def https_targets(self) -> Mapping[str, Mapping[str, str]]:
        """Where tasks may go over HTTPS."""
        return {"anywhere": {"cidr_ipv4": EVERYWHERE}}


def require_vpc(settings: Settings, found: Collection[str]) -> None:
    """Raise `SettingsError` unless the VPC is among those that were found."""
    if settings.vpc not in found:
        region = settings.region
        raise SettingsError(
            f"Setting vpc: there is no {settings.vpc} in {region} for this account. "
            f"`aws ec2 describe-vpcs --region {region}` lists those that are there."
        )


def require_in_vpc(settings: Settings, key: str, wanted: Sequence[str], found: Collection[str]) -> None:
    """Raise `SettingsError` for the first subnet or group that is not among those that were found in the VPC."""
    for name in wanted:
        if name not in found:
            kind = "security-groups" if name.startswith("sg-") else "subnets"
            raise SettingsError(
                f"Setting {key}: there is no {name} in {settings.vpc}. `aws ec2 describe-{kind} --region "
                f"{settings.region} --filters Name=vpc-id,Values={settings.vpc}` lists what there is."
            )


def placed(settings: Settings, zones: Mapping[str, str], tables: Sequence[RouteTable]) -> GivenNetwork:
    """The network with its load balancer's subnets; ``zones`` has each subnet's, ``tables`` are all of the VPC.

    Raises `SettingsError` where a load balancer cannot stand, or could not reach the tasks or be reached. A stack that
    has none (and no bastion, which stands beside it) needs no public subnet.
    """
    public = public_subnets(tables, zones)
    if settings.assign_public_ip:
        _require_addresses_of_use(settings.subnets, public)
    if not settings.needs_load_balancer and not settings.bastion:
        return GivenNetwork(settings.vpc, settings.subnets, settings.subnets)
    chosen = settings.load_balancer_subnets
    front = chosen or _one_of_each_zone(settings.subnets, zones)
    key = "loadBalancerSubnets" if chosen else "subnets"
    _require_two_zones("subnets", settings.subnets, zones)
    _require_two_zones(key, front, zones)
    _require_one_of_each_zone(key, front, zones)
    _require_zones_of_tasks(settings, front, zones)
    _require_public(front, public)
    return GivenNetwork(settings.vpc, front, settings.subnets)


def notice(settings: Settings) -> str:
    """What the user has to see to, because no endpoints are made."""
    others = [SERVICES[name] for name in settings.secret_services]
    needed = ", ".join(["ECR", "S3", "CloudWatch Logs", *others])
    ways = "their public addresses" if settings.assign_public_ip else "a NAT gateway, endpoints or assignPublicIp"
    return (
        f"{settings.vpc} is used as it is, and no endpoints are made in it: tasks need a way over HTTPS to {needed}, "
        f"by {ways}. Without one they cannot start, and end as failed (CannotPullContainerError)."
    )


def _one_of_each_zone(subnets: Sequence[str], zones: Mapping[str, str]) -> tuple[str, ...]:
    """The first subnet of each zone."""
    first = {zones[subnet]: subnet for subnet in reversed(subnets)}
    return tuple(subnet for subnet in subnets if first[zones[subnet]] == subnet)


def _require_two_zones(key: str, subnets: Sequence[str], zones: Mapping[str, str]) -> None:
    if len(found := {zones[subnet] for subnet in subnets}) < 2:
        raise SettingsError(
            f"Setting {key}: {', '.join(subnets)} lie in one zone, {found.pop()}; name subnets of two zones at least."
        )


def _require_one_of_each_zone(key: str, subnets: Sequence[str], zones: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for subnet in subnets:
        if (other := taken.setdefault(zones[subnet], subnet)) != subnet:
            raise SettingsError(
                f"Setting {key}: {other} and {subnet} lie in one zone, {zones[subnet]}, of which a load balancer takes "
                "one subnet; leave out one of them."
            )


def _require_zones_of_tasks(settings: Settings, front: Sequence[str], zones: Mapping[str, str]) -> None:
    """A load balancer sends nothing to a target in a zone that it has no subnet in (its user guide)."""
    reached = {zones[subnet] for subnet in front}
    for subnet in settings.subnets:
        if zones[subnet] not in reached:
            raise SettingsError(
                f"Setting loadBalancerSubnets: tasks may run in {zones[subnet]} ({subnet}), where the load balancer "
                "has no subnet and so could not reach them; add a public subnet of that zone, or leave out that one."
            )


def public_subnets(tables: Sequence[RouteTable], subnets: Collection[str]) -> set[str]:
    """The subnets from which a route leads to an internet gateway, at once or through a firewall's endpoint."""
    explicit = {subnet: table for table in tables for subnet in table.subnets}
    main = next((table for table in tables if table.main), None)
    routed = {subnet: explicit.get(subnet, main) for subnet in subnets}
    return {subnet for subnet, table in routed.items() if table and any(map(_leads_out, table.ways))}


def _leads_out(way: str) -> bool:
    """S3's endpoints are in no table here: their routes lead to prefix lists, which the provider leaves out."""
    return way.startswith(("igw-", "vpce-"))


def _require_public(front: Sequence[str], public: Collection[str]) -> None:
    for subnet in front:
        if subnet not in public:
            raise SettingsError(
                f"Setting loadBalancerSubnets: {subnet} has no route to an internet gateway, so nobody could reach a "
                "load balancer there; name public subnets for it."
            )


def _require_addresses_of_use(subnets: Sequence[str], public: Collection[str]) -> None:
    for subnet in subnets:
        if subnet not in public:
            raise SettingsError(
                f"Setting assignPublicIp: {subnet} has no route to an internet gateway, so a public address is of no "
                "use there; leave assignPublicIp out, or name public subnets for the tasks."
            )
