"""`--image` and its fellows: a user's own images on the command line, and the settings that they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.oci.names import absolute, parse
from infra.settings.model import VARIANT_NAME, Settings
from kit.errors import SettingsError

_PANEL = "Your own image"
MOST_NAME = 20
"""Letters of a name made from a reference: on Fargate it becomes part of names with a limit."""

Image = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="[NAME=]REF",
        help="An image of your own, as it is: host/repo:tag, docker-daemon:web:dev, docker-archive:FILE, oci:DIR. "
        "May be repeated, each with a name: --image before=REF --image after=REF.",
        rich_help_panel=_PANEL,
    ),
]
ReadyWhen = Annotated[
    str | None,
    typer.Option(
        "--ready",
        metavar="WHEN",
        help="When a task is ready: http:8080/health, tcp:8080, log:REGEX, exit:0 or healthcheck.",
        show_default="the image's one exposed port",
        rich_help_panel=_PANEL,
    ),
]
Environment = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help="A variable for the container.", rich_help_panel=_PANEL),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME=ARN",
        help="A variable whose value lies in Secrets Manager or Parameter Store; on fargate.",
        rich_help_panel=_PANEL,
    ),
]
Command = Annotated[
    str | None, typer.Option("--command", help="Instead of the image's command.", rich_help_panel=_PANEL)
]
EntryPoint = Annotated[
    str | None, typer.Option("--entry-point", help="Instead of the image's entry point.", rich_help_panel=_PANEL)
]
User = Annotated[
    str | None, typer.Option("--user", metavar="USER[:GROUP]", help="Run as this user.", rich_help_panel=_PANEL)
]
WorkingDirectory = Annotated[
    str | None, typer.Option("--working-directory", help="Start in this folder.", rich_help_panel=_PANEL)
]
ReadOnlyRoot = Annotated[
    bool, typer.Option("--read-only-root", help="Mount the container's root read-only.", rich_help_panel=_PANEL)
]

TaskDefinition = Annotated[
    str | None,
    typer.Option(
        "--from-task-definition",
        metavar="FAMILY[:REVISION]",
        help="A task definition of yours, sidecars included; only the form of one image is changed. On fargate.",
        rich_help_panel=_PANEL,
    ),
]
Container = Annotated[
    str | None,
    typer.Option(
        "--container",
        metavar="NAME",
        help="The container of the task definition that is measured.",
        show_default="the only essential one",
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True)
class ContainerOptions:
    """When a task of the user's own image is ready, and what its container is given."""

    ready: ReadyWhen = None
    env: Environment = None
    command: Command = None
    entry_point: EntryPoint = None
    user: User = None
    working_directory: WorkingDirectory = None
    read_only_root: ReadOnlyRoot = False

    def given(self) -> dict[str, Any]:
        """What is not left to the image, by the names of `OwnImage`'s fields."""
        given = {
            "ready": self.ready,
            "environment": _pairs("--env", self.env),
            "command": self.command,
            "entry_point": self.entry_point,
            "user": self.user,
            "working_directory": self.working_directory,
            "read_only_root": self.read_only_root or None,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class _Images:
    image: Image = None


@dataclass(frozen=True)
class ImageOptions(ContainerOptions, _Images):
    """The user's own images, and what all of them are given."""

    secret: Secrets = None
    from_task_definition: TaskDefinition = None
    container: Container = None

    @property
    def names(self) -> tuple[str, ...]:
        """The variants that the images become."""
        if self.from_task_definition is not None:
            return (_slug(self.from_task_definition.rpartition("/")[2].partition(":")[0]),)
        return tuple(self._references())

    @property
    def stack_suffix(self) -> str | None:
        """What the stack of these images is called after; None without images."""
        return "-".join(self.names) or None

    def settings(self, region: str) -> dict[str, object]:
        """The stack's settings for them, checked; none when no image is named. ``region`` is where AWS is asked.

        Raises `SettingsError`, also when there are options for images and no image.
        """
        given = self.given()
        if self.from_task_definition is not None:
            return self._existing(self.from_task_definition, region, given)
        if self.container is not None:
            raise SettingsError("--container names one of a task definition: give it with --from-task-definition.")
        if not self.image:
            if given:
                name = next(iter(given))
                option = _OPTIONS.get(name, name).replace("_", "-")
                raise SettingsError(f"--{option} is about images of your own. Name one with --image.")
            return {}
        settings = settings_of(self._references(), given)
        Settings.parse(settings)
        return settings

    def given(self) -> dict[str, Any]:
        """With the secrets."""
        secrets = _pairs("--secret", self.secret)
        return super().given() | ({"secrets": secrets} if secrets is not None else {})

    def _existing(self, definition: str, region: str, given: dict[str, Any]) -> dict[str, object]:
        """All that is measured is as the task definition says, but for what is given."""
        from infra.fargate import existing, lookups  # boto3 is slow to import

        if self.image:
            raise SettingsError("--image and --from-task-definition both say what is measured; give one of them.")
        chosen = existing.chosen(lookups.task_definition(definition, region), self.container)
        image = chosen.image_settings() | _camel(given)
        settings = {"variants": "[]", "images": json.dumps({self.names[0]: image}), **chosen.settings()}
        Settings.parse(settings)
        return settings

    def _references(self) -> dict[str, str]:
        """By name; raises `SettingsError` for one name of two images."""
        references: dict[str, str] = {}
        for text in self.image or ():
            name, equals, reference = text.partition("=")
            if not equals or not re.fullmatch(VARIANT_NAME, name):
                name, reference = name_of(text), text
            if name in references:
                raise SettingsError(f"Two images are called {name}. Name them: --image before=REF --image after=REF.")
            references[name] = seen_from_anywhere(reference)
        return references


_OPTIONS = {"environment": "env", "secrets": "secret"}


def settings_of(references: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, object]:
    """The settings of a stack that has these images alone, by name, each given the same."""
    images = {name: {"image": reference, **_camel(given)} for name, reference in references.items()}
    return {"variants": "[]", "images": json.dumps(images)}


def seen_from_anywhere(reference: str) -> str:
    """A reference that means the same in another folder."""
    parsed = parse(reference)
    seen_from_here = absolute(parsed, str(Path.cwd()))
    return reference if parsed == seen_from_here else str(seen_from_here)


def _camel(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields by the names of the settings."""
    words = {name: name.split("_") for name in given}
    return {first + "".join(map(str.title, rest)): given[name] for name, (first, *rest) in words.items()}


def name_of(reference: str) -> str:
    """A variant's name for an image that has none: the last part of its reference, without tag and digest."""
    place = parse(reference).place
    bare = place.removeprefix("sha256:").rstrip("/").rpartition("/")[2].partition(":")[0]
    return _slug(bare.lower().removesuffix(".tar"))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:MOST_NAME].strip("-") or "image"


def _pairs(option: str, words: list[str] | None) -> dict[str, str] | None:
    if words is None:
        return None
    for word in words:
        if not word.partition("=")[1] or word.startswith("="):
            shown = "(not shown)" if option == "--secret" else repr(word)
            raise SettingsError(f"{option} {shown} cannot be used. Allowed: NAME=VALUE.")
    return dict(word.partition("=")[::2] for word in words)
