from __future__ import annotations

import json

from experiments.forecast.prices import TABLE, RegionPrices, known_regions, of_region
from infra.settings.model import Settings


def test_the_default_region_has_prices() -> None:
    assert Settings.model_fields["region"].default in known_regions()


def test_a_region_that_is_not_in_the_table_has_no_price_at_all() -> None:
    assert of_region("af-south-1") is None


def test_every_price_names_its_list_and_a_usage_type_of_its_own_region() -> None:
    prefixes = {"eu-west-2": {"EUW2-"}, "us-east-1": {"USE1-", ""}}
    for region in known_regions():
        prices = of_region(region)
        assert prices is not None
        for name in RegionPrices.model_fields:
            price = getattr(prices, name)
            assert price.offer in ("AmazonECS", "AWSELB", "AmazonVPC", "AmazonECR", "AmazonCloudWatch")
            prefix, dash, _ = price.usage_type.partition("-")
            assert (prefix + dash if prefix.isupper() and prefix != "LCUUsage" else "") in prefixes[region]


def test_arm_is_cheaper_than_x86_in_every_region_as_aws_says() -> None:
    for region in known_regions():
        prices = of_region(region)
        assert prices is not None
        assert prices.fargate("arm64") < prices.fargate("amd64")


def test_figures_of_us_east_1_are_those_that_aws_publishes() -> None:
    prices = of_region("us-east-1")
    assert prices is not None
    assert prices.fargate("arm64") == (0.03238, 0.00356)
    assert prices.fargate("amd64") == (0.04048, 0.004445)


def test_the_table_says_where_its_figures_come_from() -> None:
    assert "AWS Price List" in json.loads(TABLE.read_text())["about"]
