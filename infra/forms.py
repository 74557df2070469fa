"""Forms and their settings as text: ``soci-v2``, ``zstd(level=19)``, ``soci-v2(span=1MiB,min-layer=0)``.

A form is a kind and settings. `FormSpec.parse` reads one, and its `str` is the canonical text, in which defaults are
left out and keys stand in the order of the kind's table: that text names the form in settings, plans, records, outputs
and reports. Where a name must be short and plain, as in a repository's name, `FormSpec.slug` stands for it. Pure.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

from infra.compression import DEFAULT_LEVELS, LEVELS, Compression
from infra.settings.values import keyed, parse_size, size_text
from kit.errors import SettingsError
from kit.visible import is_plain

SLUG_LIMIT = 14
"""Characters. With a variant's name and a suffix of 8 a slug names a target group, which has 32
(`infra.settings.fargate`): so a variant's name may have 9."""
SPAN_LIMITS = (1 << 16, 1 << 30)
FILE_KEY = r"[0-9a-f]{12}"
"""What stands for a file in a canonical text: the beginning of its content's SHA-256 (`infra.settings.attached`)."""

_TEXT = re.compile(r"(?P<kind>[a-z0-9-]+)(?:\((?P<settings>[^()]*)\))?")
_SLUG_HASH = 6


@dataclass(frozen=True)
class Setting:
    """A setting of a kind: ``read`` gives its canonical text or raises `ValueError` with what is allowed."""

    read: Callable[[str], str]
    default: str | None = None
    required: bool = False


@dataclass(frozen=True)
class Kind:
    """What all forms of a kind have in common.

    ``lazy``: tasks load it lazily, through a SOCI index. ``lab_only``: why Fargate does not have it, empty where it
    does. ``short`` stands for the kind in slugs.
    """

    settings: Mapping[str, Setting] = field(default_factory=dict)
    lazy: bool = False
    lab_only: str = ""
    short: str = ""


@dataclass(frozen=True)
class FormSpec:
    """A form: its kind, and the settings that are not the kind's defaults, as canonical texts in the kind's order."""

    kind: str
    settings: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> FormSpec:
        """Read a form; raises `SettingsError`, in one line, with what is allowed."""
        try:
            return _parsed(text)
        except ValueError as error:
            raise SettingsError(f"There is no form {text!r}: {error}.") from error

    def __str__(self) -> str:
        inside = ",".join(f"{key}={value}" for key, value in self.settings)
        return f"{self.kind}({inside})" if inside else self.kind

    @property
    def lazy(self) -> bool:
        """Whether tasks load it lazily."""
        return KINDS[self.kind].lazy

    @property
    def lab_only(self) -> str:
        """Why Fargate does not have it; empty where it does."""
        return KINDS[self.kind].lab_only

    @property
    def slug(self) -> str:
        """At most `SLUG_LIMIT` lower-case letters, digits and single dashes; other forms have other slugs."""
        readable = re.sub(r"[^a-z0-9]+", "-", str(self).lower()).strip("-")
        if len(readable) <= SLUG_LIMIT and self.file is None:
            return readable
        digest = hashlib.sha256(str(self).encode()).hexdigest()[:_SLUG_HASH]
        return f"{KINDS[self.kind].short or self.kind}-{digest}"

    def get(self, key: str) -> str | None:
        """A setting's canonical text: the kind's default where it is not set; None where there is none."""
        setting = KINDS[self.kind].settings.get(key)
        return dict(self.settings).get(key, setting.default if setting else None)

    def number(self, key: str, otherwise: int) -> int:
        """A setting that is a size in bytes or a count, or ``otherwise`` where it is not set."""
        text = self.get(key)
        return otherwise if text is None else int(parse_size(text))

    @property
    def prefetches(self) -> bool:
        """Whether its index names spans to be fetched before a task starts."""
        return self.lazy and self.file is not None and self.get("prefetch") != "no"

    @property
    def compression(self) -> Compression | None:
        """What every layer is compressed with; None where the image's layers stay as they are."""
        if self.kind in _OF_ONE_COMPRESSION:
            return Compression(_OF_ONE_COMPRESSION[self.kind], int(self.get("level") or 0))
        text = self.get("compression")
        return Compression.parse(text) if text else None

    @property
    def file(self) -> str | None:
        """The file that a setting names, or in a canonical text its key; None where none does."""
        return next((value for key, value in self.settings if KINDS[self.kind].settings[key] is _FILE), None)

    def with_file(self, key: str) -> FormSpec:
        """The same with the file named by the key of its content."""
        named = KINDS[self.kind].settings
        return FormSpec(self.kind, tuple((name, key if named[name] is _FILE else old) for name, old in self.settings))


def is_lazy(form: str) -> bool:
    """Whether tasks load a form lazily. Raises as `FormSpec.parse` does."""
    return _parsed_once(form).lazy


def slug(form: str) -> str:
    """See `FormSpec.slug`. Raises as `FormSpec.parse` does."""
    return _parsed_once(form).slug


@cache
def _parsed_once(form: str) -> FormSpec:
    return FormSpec.parse(form)


def canonical(text: str) -> str:
    """The canonical text of a form; raises `ValueError` with what is allowed."""
    return str(_parsed(text))


Form = Annotated[str, AfterValidator(canonical)]
"""The canonical text of a form."""


def _parsed(text: str) -> FormSpec:
    match = _TEXT.fullmatch(text.strip())
    if match is None or not is_plain(text.strip()):
        raise ValueError("write KIND or KIND(key=value,key=value), such as soci-v2(span=1MiB)")
    if match["kind"] not in KINDS:
        close = difflib.get_close_matches(match["kind"], KINDS, n=1)
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        raise ValueError(f"unknown form{hint}; allowed: {', '.join(KINDS)}")
    return FormSpec(match["kind"], tuple(_settings(match["kind"], match["settings"])))


def _settings(kind: str, text: str | None) -> list[tuple[str, str]]:
    """The settings that are not defaults, in the kind's order."""
    known = KINDS[kind].settings
    given = keyed(text, {key: setting.read for key, setting in known.items()}, kind)
    for key, setting in known.items():
        if setting.required and key not in given:
            raise ValueError(f"{kind} needs {key}=…, such as {kind}({key}=list.json)")
    return [(key, given[key]) for key, setting in known.items() if key in given and given[key] != setting.default]


def _whole(least: int, most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"allowed: whole numbers from {least} to {most}")
        return str(int(text))

    return read


def _size(least: int, most: int | None = None) -> Callable[[str], str]:
    def read(text: str) -> str:
        size = parse_size(text)
        if size < least or (most is not None and size > most):
            limits = f"at least {size_text(least)}" + (f", at most {size_text(most)}" if most is not None else "")
            raise ValueError(f"allowed: {limits}")
        return size_text(size)

    return read


def _level(kind: str) -> Setting:
    return Setting(_whole(*LEVELS[kind]), default=str(DEFAULT_LEVELS[kind]))


def _indexable(text: str) -> str:
    if text != "none" and not text.startswith("gzip"):
        raise ValueError("SOCI indexes layers of gzip, or without compression; allowed: none, gzip, gzip-0 to gzip-9")
    return str(Compression.parse(text))


def _file(text: str) -> str:
    return text


def _yes_or_no(text: str) -> str:
    if text not in ("yes", "no"):
        raise ValueError("allowed: yes, no")
    return text


_OF_ONE_COMPRESSION = {"zstd": "zstd", "gzip": "gzip", "uncompressed": "none"}
_FILE = Setting(_file, required=True)
_PREFETCH = Setting(_yes_or_no, default="yes")
_SPANS = {"span": Setting(_size(*SPAN_LIMITS)), "min-layer": Setting(_size(0))}
_INDEXED = {**_SPANS, "compression": Setting(_indexable)}
_PARALLEL = {
    "downloads": Setting(_whole(1, 100), default="10"),
    "unpacks": Setting(_whole(1, 100), default="10"),
    "chunk": Setting(_size(1 << 20, 1 << 30), default="16MiB"),
}

KINDS: Mapping[str, Kind] = {
    "plain": Kind(),
    "soci-v1": Kind(_SPANS, lazy=True),
    "soci-v2": Kind(_INDEXED, lazy=True),
    "plain-again": Kind(),
    "zstd": Kind({"level": _level("zstd")}),
    "gzip": Kind({"level": _level("gzip")}),
    "uncompressed": Kind(),
    "soci-v2-prefetch": Kind({"files": _FILE, **_INDEXED}, lazy=True, short="soci-pf"),
    "soci-v2-exact": Kind({"trace": _FILE, **_SPANS}, lazy=True, short="soci-ex"),
    "soci-v2-layout": Kind({"trace": _FILE, "prefetch": _PREFETCH, **_SPANS}, lazy=True, short="soci-lo"),
    "soci-v2-own-layer": Kind({"trace": _FILE, "prefetch": _PREFETCH, **_SPANS}, lazy=True, short="soci-ow"),
    "parallel-pull": Kind(
        _PARALLEL, lab_only="tasks on Fargate have no setting for how the snapshotter pulls", short="pull"
    ),
}
"""Every kind, in the order in which they are told."""
