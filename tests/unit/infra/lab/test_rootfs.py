"""Users and groups of an image's own files, and links that want to leave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.lab.reasons import ImageAtFault
from infra.lab.rootfs import User, inside, user

USERS = "root:x:0:0:root:/root:/bin/sh\nbroken line\nweb:x:1000:1001::/srv:/bin/false\n"
GROUP = "root:x:0:\nwww:x:1001:\nmedia:x:44:web,other\nstaff:x:50:other\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/passwd").write_text(USERS)
    (tmp_path / "root/etc/group").write_text(GROUP)
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", User(0, 0)),
        ("root", User(0, 0)),
        ("web", User(1000, 1001, (44,))),
        ("1000", User(1000, 1001, (44,))),
        ("web:staff", User(1000, 50)),
        ("web:7", User(1000, 7)),
        ("4711", User(4711, 0)),
        ("4711:4712", User(4711, 4712)),
        ("web:", User(1000, 1001, (44,))),
    ],
)
def test_a_user_is_looked_up_as_docker_does(root: Path, text: str, wanted: User) -> None:
    assert user(root, text) == wanted


def test_a_number_needs_no_files_at_all(tmp_path: Path) -> None:
    assert user(tmp_path, "65532:65532") == User(65532, 65532)
    assert user(tmp_path, "") == User(0, 0)


@pytest.mark.parametrize(("text", "what"), [("nobody", "user is 'nobody'"), ("web:nogroup", "group is 'nogroup'")])
def test_a_name_that_the_image_does_not_know_is_named(root: Path, text: str, what: str) -> None:
    with pytest.raises(ImageAtFault, match=f"^The image's {what}, and its /etc/"):
        user(root, text)


def test_links_are_followed_within_the_image(root: Path) -> None:
    (root / "etc/passwd").rename(root / "etc/real")
    (root / "etc/passwd").symlink_to("/etc/real")
    assert user(root, "web") == User(1000, 1001, (44,))


@pytest.mark.parametrize("target", ["/../../etc/passwd", "../../../../../etc/passwd", "/etc/../../etc/passwd"])
def test_a_link_that_climbs_out_stays_inside(root: Path, target: str) -> None:
    (root / "etc/link").symlink_to(target)
    assert inside(root, "/etc/link") == root / "etc/passwd"


def test_a_loop_of_links_is_an_error(root: Path) -> None:
    (root / "etc/a").symlink_to("b")
    (root / "etc/b").symlink_to("a")
    with pytest.raises(ImageAtFault, match="loop of links"):
        inside(root, "/etc/a")
