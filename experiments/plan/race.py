"""A race: a sweep that drops what is clearly slower, and ends with blocks that confirm what it chose. Pure.

The plan has the rounds of every block; which of them are run is decided from the records so far
(`experiments.analysis.race`), so a killed race goes on as any sweep does.
"""

from __future__ import annotations

from pydantic import Field

from kit.values import Frozen

MOST_RACING = 40
MOST_BLOCKS = 60
"""With those that confirm."""
LEAST_CONFIRMING = 4


class Race(Frozen):
    """The rule of a race over the forms of one variant, at one task count.

    ``forms`` are in order of preference: among those that cannot be told apart, the first is chosen.
    """

    image: str = Field(description="as the user named it")
    forms: tuple[str, ...] = Field(min_length=1, description="what changes the image least comes first")
    references: tuple[str, ...] = Field(description="the forms that the chosen one is compared with at the end")
    budget_seconds: float = Field(gt=0, description="for all rounds, those before a kill included")
    confirming: int = Field(
        default=LEAST_CONFIRMING, ge=0, description="blocks at least that compare the chosen form with the references"
    )
    error: float = Field(default=0.2, gt=0, lt=1, description="allowed chance that the fastest form is ever dropped")
    left_out: tuple[str, ...] = Field(default=(), description="forms that did not run, in sentences that say why")
    tie: float = Field(default=0.015, ge=0, description="as much slower a form may be that is preferred")
