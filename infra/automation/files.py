"""Which file holds a stack's settings, so that what a command sets never changes a file under version control.

A stack whose ``Pulumi.<stack>.yaml`` comes with the project (shipped, or tracked by git) is worked on in a folder of
its own below the data directory. Its file there is a copy that follows the original: what changed in the original
since the last time is taken over, everything else stays as commands have set it, so the later word counts. Pulumi
writes to that copy as it likes (settings, its encryption salt), and removes it with the stack. Every other stack's file
lies in the project's own folder, where git ignores it.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.settings.model import NAMESPACE
from kit.command import run
from kit.errors import CommandNotFound, SettingsError
from kit.files import write
from kit.paths import asset, data_dir

STACK_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
PROJECT_FILES = ("Pulumi.yaml", "__main__.py")
FARGATE_STACK = "dev"
"""The stack whose settings ship with the project; a new stack on Fargate starts from them."""
SHIPPED = f"Pulumi.{FARGATE_STACK}.yaml"
_GIT_SECONDS = 30.0
_FOLLOWED = "followed.yaml"
"""The original as it was when the copy last followed it."""

Document = dict[str, Any]


def checked_name(name: str) -> str:
    """A stack name that Pulumi, files and registries can all carry."""
    if not re.fullmatch(STACK_NAME, name):
        raise SettingsError(
            f"'{name}' cannot name a stack: up to 100 letters, digits, '.', '_', '-', first a letter or digit."
        )
    return name


def project_folder() -> Path:
    """The folder with ``Pulumi.yaml``: the checkout, or for an installed package a copy that can be written to."""
    source = _source()
    return source if source.name != "assets" else _laid_out(data_dir() / "project")


def working_folder(stack: str) -> Path:
    """The folder in which Pulumi works on a stack: nothing in it is under version control, or only ignored."""
    original = committed_file(stack)
    if original is None:
        return project_folder()
    folder = _laid_out(data_dir() / "stacks" / stack)
    _follow(original, folder / original.name, folder / _FOLLOWED)
    return folder


def pulumi_command(stack: str, words: str) -> str:
    """A `pulumi` command on the stack, as it works in any shell and folder."""
    folder = shlex.quote(str(working_folder(stack)))
    return f'eval "$(sociometer stack env)" && pulumi {words} --stack {stack} --cwd {folder}'


def committed_file(stack: str) -> Path | None:
    """The stack's file when it comes with the project; None when it is of this machine alone, or there is none."""
    path = _source() / f"Pulumi.{checked_name(stack)}.yaml"
    if path.is_file() and (path.name == SHIPPED or _is_tracked(path)):
        return path
    return None


def settings(stack: str) -> dict[str, object]:
    """What the stack's file sets of our namespace, by bare key; empty when there is no such file. Needs no Pulumi."""
    config = _config(_read(working_folder(stack) / f"Pulumi.{stack}.yaml"))
    return {key.removeprefix(f"{NAMESPACE}:"): value for key, value in config.items() if _ours(key)}


def fargate_defaults() -> dict[str, object]:
    """The settings that ship for Fargate, by bare key, for a stack that has none yet."""
    config = _config(_read(_source() / SHIPPED))
    return {key.removeprefix(f"{NAMESPACE}:"): value for key, value in config.items() if _ours(key)}


def set_beside(stack: str) -> dict[str, object]:
    """What commands have set beside or over the committed file, by bare key; empty when there is no such file."""
    original = committed_file(stack)
    if original is None:
        return {}
    committed = _config(_read(original))
    own = _config(_read(working_folder(stack) / original.name))
    return {
        key.removeprefix(f"{NAMESPACE}:"): value
        for key, value in own.items()
        if _ours(key) and str(committed.get(key)) != str(value)
    }


def followed(original: Document, before: Document, own: Document) -> Document:
    """The copy ``own`` after its original went from ``before`` to ``original``: what changed there is taken over."""
    then, now = _config(before), _config(original)
    changed = {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}
    kept = {key: value for key, value in _config(own).items() if key not in changed}
    taken = {key: value for key, value in now.items() if key in changed}
    return {**own, **original, "config": {**kept, **taken}}


def _follow(original: Path, copy: Path, last: Path) -> None:
    text = original.read_text()
    if copy.is_file() and last.is_file() and last.read_text() == text:
        return
    before, own = (_read(last), _read(copy)) if copy.is_file() else ({}, {})
    write(copy, yaml.safe_dump(followed(_read(original), before, own), sort_keys=False))
    write(last, text)


def _source() -> Path:
    return asset("Pulumi.yaml").parent


def _laid_out(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROJECT_FILES:
        shutil.copyfile(asset(name), folder / name)
    return folder


def _is_tracked(path: Path) -> bool:
    """Whether git knows the file; without git, or outside a repository, nothing is tracked."""
    try:
        # A checkout of somebody else's is looked at all the same: only its list of files is read.
        asked = run(
            ["git", "-c", "safe.directory=*", "-C", path.parent, "ls-files", "--error-unmatch", "--", path.name],
            timeout_seconds=_GIT_SECONDS,
            check=False,
        )
    except CommandNotFound:
        return False
    return asked.exit_code == 0


def _read(path: Path) -> Document:
    if not path.is_file():
        return {}
    try:
        found = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{path} is not a stack's settings: a mapping with the key config is wanted.")
    return found


def _config(document: Mapping[str, Any]) -> Document:
    return dict(document.get("config") or {})


def _ours(key: str) -> bool:
    return key.startswith(f"{NAMESPACE}:")
