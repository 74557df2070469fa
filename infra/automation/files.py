"""Which file holds a stack's settings, so that what a command sets never changes a file under version control.

A stack whose ``Pulumi.<stack>.yaml`` comes with the project (shipped, or tracked by git) is worked on in a folder of
its own below the data directory. Its file there is a copy that follows the original: what changed in the original
since the last time is taken over, everything else stays as commands have set it, so the later word counts. Pulumi
writes to that copy as it likes (settings, its encryption salt), and removes it with the stack. Every other stack's file
lies in the project's own folder.

The project's `Pulumi.yaml` names the environment that a plain `pulumi` command takes. Where that is not the one that
runs this, Pulumi works in a folder below the data directory whose `Pulumi.yaml` names none, and reads the stacks' files
where they are.

`prepare` sets up the folder before Pulumi works in it. Everything else here only reads.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from infra.settings.model import BUILT_IN_VARIANTS, NAMESPACE
from kit import documents
from kit.command import run
from kit.documents import MOST_YAML_BYTES, Unreadable, of_yaml
from kit.errors import CommandNotFound, SettingsError
from kit.files import private_folder, write
from kit.paths import asset, data_dir

STACK_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
PROJECT, PROGRAM = "Pulumi.yaml", "__main__.py"
FARGATE_STACK = "dev"
"""The stack whose settings ship with the project; a new stack on Fargate starts from them."""
SHIPPED = (FARGATE_STACK, *BUILT_IN_VARIANTS)
"""The stacks whose files ship with the project: one of all variants, and one of each."""
_GIT_SECONDS = 30.0
SALT = "encryptionsalt"
"""Pulumi's key for the salt of the passphrase; a committed one is of the empty passphrase."""
_FOLLOWED = "followed.yaml"
"""The original as it was when the copy last followed it."""

Document = dict[str, Any]


def checked_name(name: str) -> str:
    """The name, if Pulumi, file systems and registries all allow it for a stack; else raises `SettingsError`."""
    if not re.fullmatch(STACK_NAME, name):
        raise SettingsError(
            f"'{name}' cannot name a stack: up to 100 letters, digits, '.', '_', '-', first a letter or digit."
        )
    return name


def project_folder() -> Path:
    """The folder with ``Pulumi.yaml``: the checkout, or for an installed package a copy that can be written to."""
    return _source() if _source().name != "assets" else data_dir() / "project"


def prepare_project() -> Path:
    """Fill the project's folder where it is a copy, and give it."""
    if project_folder() != _source():
        return _laid_out(project_folder())
    return _source() if _names_our_environment() else _laid_out(_beside(), files_in=_source())


def prepare(stack: str) -> Path:
    """The folder in which Pulumi works on a stack, filled, and with a copy of a committed file that is up to date.

    Nothing in it is under version control, or only ignored. No other function here asks git or writes.
    """
    original, folder = _original(stack), _own_folder(stack)
    if original.is_file() and (stack in SHIPPED or original.name in _tracked(original.parent)):
        _follow(original, _laid_out(folder))
        return folder
    (folder / _FOLLOWED).unlink(missing_ok=True)  # of a file that was committed once; its copy no longer counts
    return prepare_project()


def working_folder(stack: str) -> Path:
    """The folder that `prepare` chose for a stack."""
    folder = _own_folder(stack)
    if (folder / _FOLLOWED).is_file():
        return folder
    in_place = project_folder() != _source() or _names_our_environment()
    return project_folder() if in_place else _beside()


def pulumi_command(stack: str, words: str) -> str:
    """A `pulumi` command on the stack, as it works in any shell and folder."""
    folder = shlex.quote(str(working_folder(stack)))
    return f'eval "$(sociometer stack env)" && pulumi {words} --stack {stack} --cwd {folder}'


def settings(stack: str) -> dict[str, object]:
    """The stack's settings, by bare key; empty when it has no file. Writes nothing, and runs neither git nor Pulumi."""
    original = _original(stack)
    if original.is_file():
        return _bare(_as_followed(original, _own_folder(stack)))
    return _bare(_read(project_folder() / original.name))


def fargate_defaults() -> dict[str, object]:
    """The settings that ship for Fargate, by bare key, for a stack that has none yet."""
    return _bare(_read(_original(FARGATE_STACK)))


def set_beside(stack: str) -> dict[str, object]:
    """What commands have set beside or over the committed file, by bare key; empty when there is no such file."""
    original = _original(stack)
    if not original.is_file():
        return {}
    committed = _bare(_read(original))
    return {key: value for key, value in settings(stack).items() if str(committed.get(key)) != str(value)}


def followed(original: Document, before: Document, copy: Document) -> Document:
    """The copy after its original went from ``before`` to ``original``: what changed there is taken over.

    A copy has a salt of its own, for its user may have a passphrase.
    """
    then, now = _config(before), _config(original)
    changed = {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}
    kept = {key: value for key, value in _config(copy).items() if key not in changed}
    taken = {key: value for key, value in now.items() if key in changed}
    return {**copy, **_without_salt(original), "config": {**kept, **taken}}


def _follow(original: Path, folder: Path) -> None:
    """Write the copy when its original has changed, or when there is none."""
    copy, last, text = folder / original.name, folder / _FOLLOWED, original.read_text()
    if not (copy.is_file() and last.is_file() and last.read_text() == text):
        write(copy, yaml.safe_dump(_as_followed(original, folder), sort_keys=False))
        write(last, text)


def _as_followed(original: Path, folder: Path) -> Document:
    """What the copy in ``folder`` holds once it has followed its original; without a copy that is the original."""
    copy, last = folder / original.name, folder / _FOLLOWED
    exists = copy.is_file() and last.is_file()
    return followed(_read(original), _read(last), _read(copy)) if exists else _without_salt(_read(original))


def _without_salt(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != SALT}


def _source() -> Path:
    return asset("Pulumi.yaml").parent


def _original(stack: str) -> Path:
    return _source() / f"Pulumi.{checked_name(stack)}.yaml"


def _own_folder(stack: str) -> Path:
    return data_dir() / "stacks" / checked_name(stack)


def _beside() -> Path:
    """The folder for this checkout: another one has its own."""
    return data_dir() / "checkouts" / f"{zlib.crc32(bytes(_source().resolve())):08x}"


def _laid_out(folder: Path, files_in: Path | None = None) -> Path:
    """Fill a folder with the project's files, for Pulumi to find the stacks' in ``files_in``."""
    private_folder(folder)
    for name, content in {PROJECT: _anywhere(folder, files_in), PROGRAM: asset(PROGRAM).read_text()}.items():
        if not (folder / name).is_file() or (folder / name).read_text() != content:
            write(folder / name, content)
    return folder


def _anywhere(folder: Path, files_in: Path | None) -> str:
    """The project's file without the environment that it names, which is beside the original."""
    project = _read(_source() / PROJECT)
    if isinstance(project.get("runtime"), dict):
        project["runtime"] = {key: value for key, value in project["runtime"].items() if key != "options"}
    if files_in is not None:
        project["stackConfigDir"] = os.path.relpath(files_in, folder)
    return yaml.safe_dump(project, sort_keys=False)


def _names_our_environment() -> bool:
    """Whether the project's file names no environment, or the one that runs this."""
    runtime = _read(_source() / PROJECT).get("runtime")
    options = runtime.get("options", {}) if isinstance(runtime, dict) else {}
    named = options.get("virtualenv")
    return named is None or (_source() / named).resolve() == Path(sys.prefix).resolve()


@functools.cache
def _tracked(folder: Path) -> frozenset[str]:
    """The stack files that git tracks in a folder: none without git, or outside a repository. Asked once a command."""
    try:
        # A checkout of somebody else's is looked at all the same: only its list of files is read.
        listed = run(
            ["git", "-c", "safe.directory=*", "-C", folder, "ls-files", "-z", "--", "Pulumi.*.yaml"],
            timeout_seconds=_GIT_SECONDS,
            check=False,
        )
    except CommandNotFound:
        return frozenset()
    return frozenset(listed.stdout.split("\0")) if listed.exit_code == 0 else frozenset()


def _read(path: Path) -> Document:
    if not path.is_file():
        return {}
    try:
        document = of_yaml(documents.read(path, MOST_YAML_BYTES)) or {}
    except Unreadable as error:
        raise SettingsError(f"{path} cannot be used: {error}.") from error
    config = (document.get("config") or {}) if isinstance(document, dict) else None
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise SettingsError(f"{path} is not a stack's settings: a mapping with the key config is wanted.")
    return cast(Document, document)


def _config(document: Mapping[str, Any]) -> Document:
    return dict(document.get("config") or {})


def _bare(document: Mapping[str, Any]) -> dict[str, object]:
    """The settings of our namespace, without it."""
    prefix = f"{NAMESPACE}:"
    return {key.removeprefix(prefix): value for key, value in _config(document).items() if key.startswith(prefix)}
