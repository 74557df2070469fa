"""Forms as text: what is read, what is refused, and that names are short, plain and differ."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.compression import Compression
from infra.forms import KINDS, SLUG_LIMIT, FormSpec, canonical, is_lazy, slug
from infra.settings.values import parse_list, size_text
from kit.errors import SettingsError

_SIZES = st.integers(16, 20).map(lambda power: size_text(1 << power))
_LEVELS = st.integers(1, 9).map(str)
_VALUES = {
    "span": _SIZES,
    "min-layer": st.one_of(st.just("0"), _SIZES, st.integers(0, 99).map(str)),
    "compression": st.one_of(st.just("none"), _LEVELS.map(lambda level: f"gzip-{level}")),
    "level": _LEVELS,
    "files": st.text("0123456789abcdef", min_size=12, max_size=12),
    "trace": st.text("0123456789abcdef", min_size=12, max_size=12),
    "prefetch": st.sampled_from(["yes", "no"]),
    "downloads": st.integers(1, 100).map(str),
    "unpacks": st.integers(1, 100).map(str),
    "chunk": st.integers(1, 64).map(lambda mebibytes: f"{mebibytes}MiB"),
}


@st.composite
def forms(draw: st.DrawFn) -> str:
    """The text of any form, its settings in any order."""
    kind = draw(st.sampled_from(list(KINDS)))
    keys = [key for key, setting in KINDS[kind].settings.items() if setting.required or draw(st.booleans())]
    settings = [f"{key}={draw(_VALUES[key])}" for key in draw(st.permutations(keys))]
    return f"{kind}({','.join(settings)})" if settings else kind


@given(forms())
def test_the_canonical_text_is_read_as_the_same_form(text: str) -> None:
    form = FormSpec.parse(text)
    assert FormSpec.parse(str(form)) == form
    assert canonical(str(form)) == str(form)


@given(forms(), forms())
def test_a_slug_is_short_and_plain_and_other_forms_have_others(one: str, other: str) -> None:
    for text in (one, other):
        assert len(slug(text)) <= SLUG_LIMIT
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(text))
    assert (slug(one) == slug(other)) == (canonical(one) == canonical(other))


@pytest.mark.slow
@given(st.lists(forms(), min_size=1))
def test_a_list_of_forms_between_commas_is_read_as_its_forms(texts: list[str]) -> None:
    assert parse_list(", ".join(texts)) == texts


@pytest.mark.parametrize(
    ("text", "wanted", "short"),
    [
        ("plain", "plain", "plain"),
        ("soci-v1", "soci-v1", "soci-v1"),
        ("soci-v2", "soci-v2", "soci-v2"),
        ("plain-again", "plain-again", "plain-again"),
        ("soci-v2( min-layer = 0 , span = 1024KiB )", "soci-v2(span=1MiB,min-layer=0)", "soci-v2-a3057f"),
        ("soci-v2(min-layer=0)", "soci-v2(min-layer=0)", "soci-v2-b8f2b8"),
        ("zstd(level=3)", "zstd", "zstd"),
        ("zstd(level=019)", "zstd(level=19)", "zstd-level-19"),
        ("gzip(level=6)", "gzip", "gzip"),
        ("soci-v2(compression=gzip)", "soci-v2(compression=gzip-6)", "soci-v2-99c31b"),
        ("parallel-pull(downloads=10)", "parallel-pull", "parallel-pull"),
        ("soci-v2-prefetch(files=0123456789ab)", "soci-v2-prefetch(files=0123456789ab)", "soci-pf-6428f2"),
    ],
)
def test_a_form_has_one_text_and_one_short_name(text: str, wanted: str, short: str) -> None:
    """The short names are in the names of what is deployed: another one would make it anew."""
    assert (canonical(text), slug(text)) == (wanted, short)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("soci-v3", r"'soci-v3': unknown form \(did you mean 'soci-v2'\?\); allowed: plain, soci-v1, soci-v2,"),
        ("", r"write KIND or KIND\(key=value,key=value\)"),
        ("soci-v2(span=1MiB", r"write KIND or KIND"),
        ("soci-v2(span=1MiB))", r"write KIND or KIND"),
        ("soci-v2(spam=1)", r"soci-v2 has no setting 'spam'; allowed: span, min-layer, compression"),
        ("soci-v2()", r"soci-v2 has no setting ''"),
        ("plain(level=1)", r"plain has no setting 'level'; it has none"),
        ("soci-v1(compression=none)", r"soci-v1 has no setting 'compression'"),
        ("soci-v2(span)", r"span has no value; write span=…"),
        ("soci-v2(span=)", r"span has no value"),
        ("soci-v2(span=1MiB,span=2MiB)", r"span is given twice"),
        ("soci-v2(span=1KiB)", r"span cannot be '1KiB': allowed: at least 64KiB, at most 1GiB"),
        ("soci-v2(span=big)", r"span cannot be 'big': write a number of bytes"),
        ("soci-v2(min-layer=-1)", r"min-layer cannot be '-1'"),
        ("zstd(level=0)", r"level cannot be '0': allowed: whole numbers from 1 to 22"),
        ("zstd(level=23)", r"allowed: whole numbers from 1 to 22"),
        ("zstd(level=²)", r"allowed: whole numbers"),
        ("gzip(level=10)", r"allowed: whole numbers from 0 to 9"),
        (
            "soci-v2(compression=zstd-3)",
            r"SOCI indexes layers of gzip, or without .*; allowed: none, gzip, gzip-0",
        ),
        ("soci-v2(compression=none-1)", r"allowed: none, gzip, gzip-0 to gzip-9"),
        ("soci-v2(compression=gzip-10)", r"allowed: gzip-0 to gzip-9"),
        ("soci-v2-prefetch", r"soci-v2-prefetch needs files=…, such as soci-v2-prefetch\(files=list\.json\)"),
        ("parallel-pull(downloads=0)", r"allowed: whole numbers from 1 to 100"),
    ],
)
def test_a_form_that_cannot_be_is_refused_in_one_line_with_what_is_allowed(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        FormSpec.parse(text)
    assert "\n" not in str(caught.value)


def test_the_settings_of_a_form_are_read_as_numbers_and_compressions() -> None:
    form = FormSpec.parse("soci-v2(span=1MiB,compression=none)")
    assert (form.number("span", 5), form.number("min-layer", 5)) == (1 << 20, 5)
    assert form.compression == Compression("none")
    assert FormSpec.parse("zstd").compression == Compression("zstd", 3)
    assert FormSpec.parse("gzip(level=9)").compression == Compression("gzip", 9)
    assert FormSpec.parse("soci-v2").compression is None


def test_only_forms_with_an_index_are_lazy() -> None:
    bare = [kind for kind, of_all in KINDS.items() if not any(one.required for one in of_all.settings.values())]
    assert [kind for kind in bare if is_lazy(kind)] == ["soci-v1", "soci-v2"]
    named = ("soci-v2-prefetch(files=0123456789ab)", "soci-v2-exact(trace=0123456789ab)")
    assert all(is_lazy(form) and FormSpec.parse(form).prefetches for form in named)
    assert not FormSpec.parse("soci-v2").prefetches
    assert is_lazy("soci-v2(span=1MiB)")


def test_the_guide_says_of_every_kind_whether_fargate_is_documented_to_run_it() -> None:
    table = Path("docs/forms.md").read_text().partition("| Form | Documented for Fargate? |")[2].partition("\n\n")[0]
    told = {word.partition("(")[0] for line in table.splitlines() for word in re.findall(r"`([^`]*)`", line)}
    assert set(KINDS) - told == {"plain-again"}  # plain under another name
