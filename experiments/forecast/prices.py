"""AWS's prices by region, as data: ``prices.json`` has the source and the date of every figure.

A region that is not in the table has no price: `of_region` returns None, and nothing is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import Field

from kit.documents import Unreadable, model_of
from kit.errors import SociometerError
from kit.values import Document

TABLE = Path(__file__).with_name("prices.json")


class Price(Document):
    """One figure: US dollars per unit, and its entry in the AWS Price List."""

    usd: float = Field(gt=0)
    offer: str
    usage_type: str
    published: date


class RegionPrices(Document):
    """Every price that the Fargate target needs; each name ends with its unit (GB is 2^30 bytes, as AWS counts)."""

    fargate_arm64_vcpu_hour: Price
    fargate_arm64_gb_hour: Price
    fargate_x86_64_vcpu_hour: Price
    fargate_x86_64_gb_hour: Price
    load_balancer_hour: Price
    load_balancer_lcu_hour: Price
    endpoint_zone_hour: Price
    public_ipv4_hour: Price
    ecr_gb_month: Price
    logs_gb: Price

    def fargate(self, architecture: str) -> tuple[float, float]:
        """USD a vCPU-hour and a GB-hour of ``arm64`` or ``amd64`` tasks."""
        if architecture == "arm64":
            return self.fargate_arm64_vcpu_hour.usd, self.fargate_arm64_gb_hour.usd
        return self.fargate_x86_64_vcpu_hour.usd, self.fargate_x86_64_gb_hour.usd

    @property
    def oldest(self) -> date:
        """When the oldest of the figures was published."""
        prices: list[Price] = [getattr(self, name) for name in type(self).model_fields]
        return min(price.published for price in prices)


class _Table(Document):
    about: str
    regions: dict[str, RegionPrices]


def of_region(region: str) -> RegionPrices | None:
    """The prices of a region, or None when they are not known."""
    return _regions().get(region)


def known_regions() -> tuple[str, ...]:
    """The regions of the table."""
    return tuple(_regions())


def no_price(region: str) -> str:
    """The message for a region without prices; names those that have them."""
    known = ", ".join(known_regions())
    return f"No prices are known for {region}, so there is no estimate of the cost. Regions with prices: {known}."


def parse(text: str | bytes) -> Mapping[str, RegionPrices]:
    """A table of prices, by region; raises `SociometerError`."""
    try:
        return model_of(_Table, text).regions
    except Unreadable as error:
        raise SociometerError(f"The prices in {TABLE} cannot be read: {error}.") from error


@cache
def _regions() -> Mapping[str, RegionPrices]:
    return parse(TABLE.read_bytes())
