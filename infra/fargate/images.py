"""A variant's images in ECR, all by digest: the source image, built or copied, and the forms made from it.

pulumi-docker builds the built-in variants, unless the settings choose BuildKit; a user's own image is copied. The same
provider as in the lab makes the forms, from ECR to ECR.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from infra.fargate import context
from infra.fargate.registry import SOURCE
from infra.forms import slug
from infra.providers.first_push import FirstPush
from infra.providers.soci_image import SociImage, SociImageArgs
from infra.providers.source_image import SourceImageResource
from infra.settings.attached import content_of
from infra.settings.model import Settings
from infra.sources.images import recipe
from infra.sources.own import ResolvedImage
from kit.errors import ImageError


class Token(NamedTuple):
    """The user name for pushing to ECR, and a password that is valid for twelve hours."""

    username: pulumi.Input[str]
    password: pulumi.Input[str]


@dataclass(frozen=True)
class VariantImagesArgs:
    """A variant and its ECR repositories, one for `SOURCE` and one per form; pulumi-docker pushes with ``token``."""

    variant: str
    settings: Settings
    repositories: Mapping[str, aws.ecr.Repository]
    token: Token | None
    images: Mapping[str, ResolvedImage]
    """The user's own ones, as they were found."""


class VariantImages(pulumi.ComponentResource):
    """``source`` is ``repository@digest``, ``layer_bytes`` sums its compressed layers, ``forms`` has one image each."""

    def __init__(self, name: str, args: VariantImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:VariantImages", name, None, opts)
        self._name, self._args = name, args
        self._repository = args.repositories[SOURCE]
        self._host = self._repository.repository_url.apply(lambda url: url.partition("/")[0])
        users_own = args.variant in args.settings.images
        self.source = self._buildkit() if users_own or args.token is None else self._docker(args.token)
        self.forms = {form: self._form(form) for form in args.settings.forms}
        self.layer_bytes: pulumi.Output[int] = next(iter(self.forms.values())).layer_bytes
        self.register_outputs({"source": self.source})

    def _buildkit(self) -> pulumi.Output[str]:
        """Build with our own BuildKit, or copy; regctl pushes."""
        image_recipe = recipe(self._args.variant, self._args.settings, self._args.images)
        source_image = SourceImageResource(
            f"{self._name}-source",
            image_recipe,
            self._host,
            repository=self._repository.repository_url,
            tag=self._first_push(image_recipe).tag,
            ecr_region=self._args.settings.region,
            opts=self._deleted_with(self._repository),
        )
        return source_image.image

    def _docker(self, token: Token) -> pulumi.Output[str]:
        """Build and push with pulumi-docker. Another folder makes it push again, so the tag's key includes it."""
        settings = self._args.settings
        image_recipe = recipe(self._args.variant, settings, self._args.images)
        folder = context.prepare(self._args.variant, settings)
        push = self._first_push({**image_recipe, "context": str(folder)})
        source_image = docker.Image(
            f"{self._name}-source",
            image_name=pulumi.Output.concat(self._repository.repository_url, ":", push.tag),
            build=docker.DockerBuildArgs(
                context=str(folder),
                dockerfile=str(folder / context.DOCKERFILE),
                platform=settings.platform,
                args=context.build_arguments(settings),
                builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
            ),
            registry=self._credentials(token),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=self._repository),
        )
        reference: pulumi.Output[str] = source_image.repo_digest.apply(checked_digest)
        return reference

    def _credentials(self, token: Token) -> docker.RegistryArgs:
        """Marked as secret, so that the state holds the password encrypted."""
        return docker.RegistryArgs(
            server=self._host, username=token.username, password=pulumi.Output.secret(token.password)
        )

    def _first_push(self, ingredients: Mapping[str, str]) -> FirstPush:
        region, opts = self._args.settings.region, self._deleted_with(self._repository)
        return _first_push(f"{self._name}-source", ingredients, self._repository, region, opts)

    def _form(self, form: str) -> SociImage:
        settings, repository = self._args.settings, self._args.repositories[form]
        args = SociImageArgs(
            source=self.source,
            repository=repository.repository_url,
            form=form,
            span_bytes=settings.span_size,
            min_layer_bytes=settings.min_layer_size,
            platform=settings.platform,
            ecr_region=settings.region,
            attached=content_of(form),
        )
        return SociImage(f"{self._name}-{slug(form)}", args, self._deleted_with(repository))

    def _deleted_with(self, repository: aws.ecr.Repository) -> pulumi.ResourceOptions:
        """Options for a repository's content, which goes with the repository and needs no delete of its own."""
        return pulumi.ResourceOptions(parent=self, deleted_with=repository)


def image_beside(
    name: str,
    ingredients: Mapping[str, str],
    repository: aws.ecr.Repository,
    settings: Settings,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """An image that stands beside the measured one, such as the probe's, in its repository; by digest."""
    opts = pulumi.ResourceOptions(parent=parent, deleted_with=repository)
    source_image = SourceImageResource(
        name,
        ingredients,
        repository.repository_url.apply(lambda url: url.partition("/")[0]),
        repository=repository.repository_url,
        tag=_first_push(name, ingredients, repository, settings.region, opts).tag,
        ecr_region=settings.region,
        opts=opts,
    )
    return source_image.image


def _first_push(
    name: str,
    ingredients: Mapping[str, str],
    repository: aws.ecr.Repository,
    region: str,
    opts: pulumi.ResourceOptions,
) -> FirstPush:
    key = hashlib.sha256(json.dumps(dict(ingredients), sort_keys=True).encode()).hexdigest()
    return FirstPush(name, key, repository.repository_url, region, opts)


def checked_digest(reference: str) -> str:
    """Return pulumi-docker's reference to the image it pushed; raise `ImageError` if it has no digest."""
    if "@sha256:" not in reference:
        raise ImageError(
            f"The digest of a pushed image is missing: pulumi-docker returned {reference!r}, as it does with some "
            "Docker daemons. Use a newer Docker, or set builder: buildkit."
        )
    return reference
