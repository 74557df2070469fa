"""Files that forms name, such as a prefetch list: read once, kept by content, and named by a key of the content.

So a form means the same on every machine, and what is deployed depends on no path. The kept file is for later commands
on this machine that name the form by its key, as plans and reports do; the stack's state holds the content itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.forms import FILE_KEY, FormSpec
from infra.trace.model import parse as parse_trace
from kit import documents, files
from kit.documents import of_json
from kit.errors import SettingsError, TraceError
from kit.paths import data_dir


def key_of(content: str) -> str:
    """What stands for a file of this content in a form's canonical text."""
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def resolved(text: str) -> str:
    """The canonical text of a form; a file that it names by path is read, checked, kept, and named by its key.

    Raises `SettingsError` for a form that cannot be, and for a file that cannot be read or used.
    """
    form = FormSpec.parse(text)
    if form.file is None or re.fullmatch(FILE_KEY, form.file):
        return str(form)
    path = Path(os.path.expanduser(form.file))  # noqa: PTH111 - Path's own raises where nobody has that name
    try:
        content = _READERS[form.kind](documents.read(path).decode())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"Form {text!r}: {path} cannot be used: {reason}.") from error
    key = key_of(content)
    _place(key).parent.mkdir(parents=True, exist_ok=True)
    files.write(_place(key), content)
    return str(form.with_file(key))


def content_of(form: str) -> str | None:
    """The content of the file that a form names by its key; None for a form that names none.

    Raises `SettingsError` when this machine has not kept it.
    """
    key = FormSpec.parse(form).file
    if key is None:
        return None
    if not re.fullmatch(FILE_KEY, key):
        raise SettingsError(f"Form {form!r} names a file by its path where its key is wanted: it was not read.")
    try:
        return _place(key).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(
            f"Form {form!r}: the file with key {key} is not known on this machine. Name it by its path instead."
        ) from error


def prefetch_files(text: str) -> str:
    """A prefetch list, a JSON list of paths in the image, as canonical JSON: absolute, sorted, each once.

    Raises `ValueError` for anything else.
    """
    paths = of_json(text)
    if not isinstance(paths, list) or not paths or not all(map(_names_a_file, paths)):
        raise ValueError('wanted: a JSON list of at least one path in the image, such as ["/app/main.py"]')
    return json.dumps(sorted(set(map(_absolute, paths))))


def _names_a_file(path: object) -> bool:
    return isinstance(path, str) and "\0" not in path and _absolute(path) != "/"


def _absolute(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _place(key: str) -> Path:
    return data_dir() / "form-files" / f"{key}.json"


def trace_text(text: str) -> str:
    """A trace, as `sociometer trace` writes it, in canonical JSON; raises `ValueError` for anything else."""
    try:
        return parse_trace(text, "it").model_dump_json()
    except TraceError as error:
        raise ValueError(str(error).rstrip(".")) from error


_READERS: Mapping[str, Callable[[str], str]] = {
    "soci-v2-prefetch": prefetch_files,
    "soci-v2-exact": trace_text,
    "soci-v2-layout": trace_text,
    "soci-v2-own-layer": trace_text,
}
"""By kind: the canonical content of the file that it names, from its text."""
