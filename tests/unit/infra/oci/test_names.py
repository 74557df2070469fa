from __future__ import annotations

import pytest

from infra.oci import names
from kit.errors import SettingsError

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "place", "tag", "digest"),
    [
        ("registry.example/team/web:1.2", "registry.example/team/web", "1.2", None),
        (f"registry.example/web@sha256:{HEX}", "registry.example/web", None, f"sha256:{HEX}"),
        (f"registry.example/web:1@sha256:{HEX}", "registry.example/web", "1", f"sha256:{HEX}"),
        ("docker://registry.example/web:1", "registry.example/web", "1", None),
        ("127.0.0.1:5000/web", "127.0.0.1:5000/web", "latest", None),
        ("[::1]:5000/web:dev", "[::1]:5000/web", "dev", None),
        ("localhost/web", "localhost/web", "latest", None),
        ("nginx", "docker.io/library/nginx", "latest", None),
        ("web:dev", "docker.io/library/web", "dev", None),
        ("team/web", "docker.io/team/web", "latest", None),
        ("docker.io/nginx", "docker.io/library/nginx", "latest", None),
        ("index.docker.io/team/web", "docker.io/team/web", "latest", None),
    ],
)
def test_a_name_in_a_registry_is_read_as_docker_reads_it(
    text: str, place: str, tag: str | None, digest: str | None
) -> None:
    assert names.parse(text) == names.ImageName("registry", place, tag, digest)


@pytest.mark.parametrize(
    ("text", "transport", "place", "tag"),
    [
        ("docker-daemon:web:dev", "docker-daemon", "web:dev", None),
        ("docker-daemon:localhost:5000/web", "docker-daemon", "localhost:5000/web:latest", None),
        (f"docker-daemon:sha256:{HEX}", "docker-daemon", f"sha256:{HEX}", None),
        (f"docker-daemon:web@sha256:{HEX}", "docker-daemon", f"web@sha256:{HEX}", None),
        ("docker-archive:/home/me/my web.tar", "docker-archive", "/home/me/my web.tar", None),
        ("docker-archive:web.tar:web:dev", "docker-archive", "web.tar", "web:dev"),
        ("docker-archive:web.tar:localhost:5000/web", "docker-archive", "web.tar", "localhost:5000/web:latest"),
        ("oci:folder", "oci", "folder", None),
        ("oci:folder:v1", "oci", "folder", "v1"),
        ("oci-archive:web.tar:v1", "oci-archive", "web.tar", "v1"),
    ],
)
def test_the_other_transports_are_named_as_the_containers_tools_name_them(
    text: str, transport: names.Transport, place: str, tag: str | None
) -> None:
    assert names.parse(text) == names.ImageName(transport, place, tag)


@pytest.mark.parametrize(
    "text",
    [
        f"registry.example:5000/team/web:1@sha256:{HEX}",
        f"registry.example/web@sha256:{HEX}",
        "docker-daemon:web:dev",
        f"docker-daemon:sha256:{HEX}",
        "docker-archive:web.tar:web:dev",
        "oci:folder:v1",
        "oci-archive:web.tar",
    ],
)
def test_a_name_is_written_as_it_is_read(text: str) -> None:
    assert str(names.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a repository's name"),
        ("Web:dev", "'library/Web' is not a repository's name"),
        ("web:", "'' is not a tag"),
        ("web:a tag", "'a tag' is not a tag"),
        ("web@sha256:12", "'sha256:12' is not a digest"),
        (f"web@sha512:{HEX}", "is not a digest"),
        ("https://registry.example/web", "leave out https://"),
        ("registry.example/", "is not a repository's name"),
        ("registry.example/../web", "is not a repository's name"),
        ("-x.example/web", "is not a repository's name"),
        ("docker-daemon:", "the image's name is missing"),
        ("docker-daemon:../../containers/json?", "is not a repository's name"),
        ("docker-daemon:web:a b", "is not a tag"),
        ("docker-archive:", "the file is missing"),
        ("oci::v1", "the file is missing"),
        ("oci:i\n:", "begins or ends with white space"),
        ("docker-archive: web.tar", "begins or ends with white space"),
    ],
)
def test_what_is_no_name_is_refused_in_one_line_with_the_forms_there_are(text: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        names.parse(text)
    said = str(refused.value)
    assert said.startswith(f"image {text!r}: ") and why in said and names.KINDS in said
    assert "\n" not in said


def test_files_are_seen_from_the_folder_in_which_they_were_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    for text, seen in (
        ("oci:../layout:v1", "oci:/work/layout:v1"),
        ("docker-archive:~/web.tar", "docker-archive:/home/me/web.tar"),
        ("oci-archive:/srv/web.tar", "oci-archive:/srv/web.tar"),
        ("docker-daemon:web:dev", "docker-daemon:web:dev"),
    ):
        assert str(names.absolute(names.parse(text), "/work/here")) == seen
