"""Colours and labels of forms: the same in every plot, and apart from each other."""

from __future__ import annotations

import re

from experiments.report.plots.style import FORM_COLOURS, OTHER_FORMS, legend, row_labels, short_labels
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


def test_a_label_leaves_out_the_file_that_all_forms_share_and_fits_beside_a_plot() -> None:
    one, other = "trace=3db2bc09502f", "trace=e9c39af828f6"
    forms = ("plain", f"soci-v2-exact({one})", f"8 × soci-v2-own-layer({one},prefetch=no)")  # noqa: RUF001
    assert list(short_labels(forms).values()) == ["plain", "soci-v2-exact", "8 × soci-v2-own…r(prefetch=no)"]  # noqa: RUF001
    two = (f"soci-v2-exact({one})", f"soci-v2-exact({other})")
    assert len(set(short_labels(two).values())) == 2
    assert all(len(label) <= 30 for label in short_labels([*forms, *two]).values())


def test_the_names_of_rows_reach_vega_as_texts() -> None:
    assert r"""{"a\"b'": "a\"b'"}[datum.label]""" in row_labels(["a\"b'"])["labelExpr"]
