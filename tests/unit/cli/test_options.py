from __future__ import annotations

from sociometer.cli.options import Changes, chosen_plan

UNNAMED = Changes(None, None, "1", 3, None)


def test_a_sweep_measures_what_its_stack_holds_unless_variants_are_named() -> None:
    assert chosen_plan("default", UNNAMED.on(["web", "shop"])).design.variants == ("web", "shop")
    assert chosen_plan("default", UNNAMED._replace(variants="web").on(["web", "shop"])).design.variants == ("web",)


def test_a_plan_without_a_stack_measures_the_preset_s_variants() -> None:
    assert chosen_plan("default", UNNAMED).design.variants == ("movie", "parquet")
