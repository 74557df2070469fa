"""A variant's images in ECR: the source image, built or copied, and from it each form, all of them by digest.

pulumi-docker builds what is built in, unless the settings choose BuildKit; a user's own image is copied. The forms are
made from ECR to ECR by the same provider as in the lab.
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
from infra.providers.first_push import FirstPush
from infra.providers.soci_image import SociImage, SociImageArgs
from infra.providers.source_image import SourceImageResource
from infra.settings.model import Settings
from infra.sources.images import recipe
from kit.errors import ImageError


class Token(NamedTuple):
    """Who pushes to ECR, and a password that lives twelve hours."""

    username: pulumi.Input[str]
    password: pulumi.Input[str]


@dataclass(frozen=True)
class VariantImagesArgs:
    """A variant, and its ECR repositories: one for `SOURCE`, one for each form; ``token`` lets pulumi-docker in."""

    variant: str
    settings: Settings
    repositories: Mapping[str, aws.ecr.Repository]
    token: Token | None


class VariantImages(pulumi.ComponentResource):
    """``source`` is ``repository@digest``, ``layer_bytes`` the sum of its compressed layers, ``forms`` one each."""

    def __init__(self, name: str, args: VariantImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:VariantImages", name, None, opts)
        self._name, self._args = name, args
        self._repository = args.repositories[SOURCE]
        self._host = self._repository.repository_url.apply(lambda url: url.partition("/")[0])
        own = args.variant in args.settings.images
        self.source = self._buildkit() if own or args.token is None else self._docker(args.token)
        self.forms = {form: self._form(form) for form in args.settings.forms}
        self.layer_bytes: pulumi.Output[int] = next(iter(self.forms.values())).layer_bytes
        self.register_outputs({"source": self.source})

    def _buildkit(self) -> pulumi.Output[str]:
        """Built by a BuildKit of ours, or copied; regctl pushes."""
        made_from = recipe(self._args.variant, self._args.settings)
        made = SourceImageResource(
            f"{self._name}-source",
            made_from,
            self._host,
            repository=self._repository.repository_url,
            tag=self._first_push(made_from).tag,
            ecr_region=self._args.settings.region,
            opts=self._in(self._repository),
        )
        return made.image

    def _docker(self, token: Token) -> pulumi.Output[str]:
        """Built and pushed by pulumi-docker. The folder counts for the tag: from another one it would push again."""
        settings = self._args.settings
        made_from = recipe(self._args.variant, settings)
        folder = context.prepare(self._args.variant, settings)
        push = self._first_push({**made_from, "context": str(folder)})
        made = docker.Image(
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
        pushed: pulumi.Output[str] = made.repo_digest.apply(checked_digest)
        return pushed

    def _credentials(self, token: Token) -> docker.RegistryArgs:
        """Secret, so that the state holds the password encrypted."""
        return docker.RegistryArgs(
            server=self._host, username=token.username, password=pulumi.Output.secret(token.password)
        )

    def _first_push(self, made_from: Mapping[str, str]) -> FirstPush:
        key = hashlib.sha256(json.dumps(dict(made_from), sort_keys=True).encode()).hexdigest()
        return FirstPush(
            f"{self._name}-source",
            key,
            self._repository.repository_url,
            self._args.settings.region,
            self._in(self._repository),
        )

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
        )
        return SociImage(f"{self._name}-{form}", args, self._in(repository))

    def _in(self, repository: aws.ecr.Repository) -> pulumi.ResourceOptions:
        """What lies in a repository goes with it, and needs no deleting of its own then."""
        return pulumi.ResourceOptions(parent=self, deleted_with=repository)


def checked_digest(reference: str) -> str:
    """What pulumi-docker says that it pushed; raises `ImageError` when that is no digest."""
    if "@sha256:" not in reference:
        raise ImageError(
            f"The digest of a pushed image is missing: pulumi-docker gave {reference!r}, as it does with some Docker "
            "daemons. A newer Docker gives it, and so does the setting builder: buildkit."
        )
    return reference
