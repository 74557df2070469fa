"""References of images: as the containers tools write them, and what is none."""

from __future__ import annotations

import pytest

from infra.oci.names import ImageName, absolute, parse
from kit.errors import SettingsError

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nginx", ImageName("registry", "docker.io/library/nginx", "latest")),
        ("web:dev", ImageName("registry", "docker.io/library/web", "dev")),
        ("team/web:1.2", ImageName("registry", "docker.io/team/web", "1.2")),
        ("docker://team/web", ImageName("registry", "docker.io/team/web", "latest")),
        ("localhost/web", ImageName("registry", "localhost/web", "latest")),
        ("localhost:5000/web", ImageName("registry", "localhost:5000/web", "latest")),
        ("[::1]:5000/web:1", ImageName("registry", "[::1]:5000/web", "1")),
        ("shop.example/a/b_c/d--e:1", ImageName("registry", "shop.example/a/b_c/d--e", "1")),
        (f"shop.example/web@{DIGEST}", ImageName("registry", "shop.example/web", None, DIGEST)),
        (f"shop.example/web:1@{DIGEST}", ImageName("registry", "shop.example/web", "1", DIGEST)),
        ("docker-daemon:web:dev", ImageName("docker-daemon", "web:dev")),
        ("docker-daemon:web", ImageName("docker-daemon", "web:latest")),
        ("docker-daemon:shop.example:5000/web", ImageName("docker-daemon", "shop.example:5000/web:latest")),
        (f"docker-daemon:{DIGEST}", ImageName("docker-daemon", DIGEST)),
        ("docker-archive:/a b/web.tar", ImageName("docker-archive", "/a b/web.tar")),
        ("docker-archive:web.tar:web:dev", ImageName("docker-archive", "web.tar", "web:dev")),
        ("oci:folder", ImageName("oci", "folder")),
        ("oci:folder:v1", ImageName("oci", "folder", "v1")),
        ("oci-archive:web.tar:v1", ImageName("oci-archive", "web.tar", "v1")),
    ],
)
def test_every_kind_of_reference_is_read_and_can_be_written_again(text: str, name: ImageName) -> None:
    assert parse(text) == name
    assert parse(str(name)) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'library/' is not a repository's name"),
        ("Web", "'library/Web' is not a repository's name"),
        ("shop.example/Web:1", "'Web' is not a repository's name"),
        ("shop.example/web:", "'' is not a tag"),
        ("shop.example/web:a b", "'a b' is not a tag"),
        ("shop.example/web:" + "a" * 129, "is not a tag"),
        ("shop.example/web@sha256:12", "'sha256:12' is not a digest"),
        ("shop.example/web@md5:12", "is not a digest"),
        ("shop.example/../web", "is not a repository's name"),
        ("https://shop.example/web", "is not a"),
        ("oci:", "the file is missing"),
        ("docker-archive::web", "the file is missing"),
        ("docker-daemon:", "the image's name is missing"),
        ("docker-daemon::dev", "is not the name of an image"),
    ],
)
def test_what_is_no_reference_is_refused_in_one_line_with_the_kinds(text: str, why: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(text)
    assert why in str(error.value)
    assert "docker-daemon:web:dev" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_is_seen_from_the_folder_where_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert str(absolute(parse("oci:build/../image:v1"), "/work")) == "oci:/work/image:v1"
    assert str(absolute(parse("docker-archive:~/web.tar"), "/work")) == "docker-archive:/home/me/web.tar"
    assert str(absolute(parse("oci-archive:/a/web.tar"), "/work")) == "oci-archive:/a/web.tar"
    assert absolute(parse("web:1"), "/work") == parse("web:1")
