"""Images on Fargate: who builds what, under which tag, and that no credential is in the clear."""

from __future__ import annotations

import re

import pytest
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key

from infra.fargate.images import checked_digest
from kit.errors import ImageError
from tests.support import fargate_stack
from tests.support.fargate_stack import HOST, PASSWORD, MockedResource, digest, of_type, only, resources

Declared = list[MockedResource]
SOURCE = f"{HOST}/sociometer/test/movie/source"


def test_pulumi_docker_builds_the_built_in_variants_with_buildkit_for_the_platform(declared: Declared) -> None:
    images = of_type(declared, "docker:index/image:Image")
    assert sorted(each.name for each in images) == ["movie-source", "parquet-source"]
    for each in images:
        build = each.inputs["build"]
        assert (build["platform"], build["builderVersion"]) == ("linux/arm64", "BuilderBuildKit")
        assert build["args"] == {"BASE_IMAGE": "nginx:alpine-slim"}
        assert build["dockerfile"] == f"{build['context']}/Dockerfile"


def test_the_tag_is_the_contents_key_and_the_time_of_the_first_push_and_never_latest(declared: Declared) -> None:
    name = only(declared, "docker:index/image:Image", "movie-source").inputs["imageName"]
    key = only(declared, "sociometer:FirstPush", "movie-source").inputs["key"]
    assert name == f"{SOURCE}:{key[:16]}-20260102-030405"


def test_the_same_content_has_the_same_key_and_other_content_another() -> None:
    def key(**settings: str) -> str:
        found = resources(variants="movie", builder="buildkit", **settings)
        return str(only(found, "sociometer:FirstPush").inputs["key"])

    assert key() == key()
    assert len({key(), key(seed="2"), key(platform="linux/amd64"), key(base="nginx:1.29")}) == 4


def test_the_registrys_password_is_a_secret_and_nowhere_in_the_clear(declared: Declared) -> None:
    for each in of_type(declared, "docker:index/image:Image"):
        registry = each.inputs["registry"]
        assert registry[_special_sig_key] == _special_secret_sig
        assert registry["value"] == {"server": HOST, "username": "AWS", "password": PASSWORD}
    others = [each for each in declared if not each.type.startswith("docker:")]
    assert not any(PASSWORD in str(each.inputs) for each in others)


def test_the_forms_are_made_from_the_pushed_digest_in_ecr(declared: Declared) -> None:
    form = only(declared, "sociometer:SociImage", "movie-soci-v2").inputs
    assert form["source"] == f"{SOURCE}@{digest('movie-source')}"
    assert form["repository"] == f"{HOST}/sociometer/test/movie/soci-v2"
    assert (form["ecr_region"], form["platform"]) == ("eu-west-2", "linux/arm64")
    assert form.get("auth_file") is None


def test_what_lies_in_a_repository_goes_with_it(declared: Declared) -> None:
    for each in of_type(declared, "sociometer:SociImage"):
        assert each.deleted_with == only(declared, "repository:Repository", each.name).urn


def test_an_own_image_is_copied_and_not_built(declared: Declared) -> None:
    copied = only(declared, "sociometer:SourceImage", "shop-source").inputs
    assert copied["recipe"]["image"].startswith("shop.example/web@sha256:")
    assert copied["repository"] == f"{HOST}/sociometer/test/shop/source"
    assert re.fullmatch(r"[0-9a-f]{16}-20260102-030405", copied["wanted_tag"])


def test_a_setting_has_buildkit_build_and_then_no_docker_is_needed() -> None:
    declared = resources(builder="buildkit", variants="movie")
    assert of_type(declared, "docker:index/image:Image") == []
    source = only(declared, "sociometer:SourceImage", "movie-source").inputs
    assert (source["registry"], source["repository"], source["ecr_region"]) == (HOST, SOURCE, "eu-west-2")
    assert not any(PASSWORD in str(each.inputs) for each in declared)


def test_without_anything_to_build_no_token_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(fargate_stack._CALLS, "aws:ecr/getAuthorizationToken:getAuthorizationToken")
    declared = resources(variants="", images='{"shop": "shop.example/web:1"}')
    assert sorted(each.name for each in of_type(declared, "sociometer:SourceImage")) == ["probe-source", "shop-source"]


@pytest.mark.parametrize("reference", ["<none>@<none>", "", f"{SOURCE}:tag"])
def test_a_digest_that_pulumi_docker_did_not_get_is_named(reference: str) -> None:
    with pytest.raises(ImageError, match=r"digest of a pushed image is missing.*builder: buildkit"):
        checked_digest(reference)
