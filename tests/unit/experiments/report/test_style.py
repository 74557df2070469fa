"""Colours of forms: the same in every plot, and apart from each other."""

from __future__ import annotations

import re

from experiments.report.plots.style import FORM_COLOURS, OTHER_FORMS, legend
from infra.settings.values import words_of
from kit.paths import asset

FORMS = tuple(words_of("plain,soci-v1,soci-v2,zstd,soci-v2(span=1MiB,min-layer=0),gzip(level=9),uncompressed"))


def test_forms_with_settings_are_told_apart_by_colour() -> None:
    keys = legend(FORMS)
    assert tuple(key.label for key in keys) == FORMS
    assert len({key.colour for key in keys}) == len(FORMS)


def test_a_form_has_the_same_colour_in_a_plot_without_the_control() -> None:
    assert legend(FORMS[1:]) == legend(FORMS)[1:]


def test_every_colour_is_defined_for_light_and_for_dark_pages() -> None:
    css = (asset("experiments") / "report/templates/report.css").read_text()
    for colour in (*FORM_COLOURS.values(), *OTHER_FORMS):
        name, fallback = re.findall(r"--[a-z0-9-]+|#[0-9a-f]{6}", colour)
        assert re.findall(rf"{name}: (#[0-9a-f]{{6}})", css)[0] == fallback
        assert len(re.findall(rf"{name}: ", css)) == 2
