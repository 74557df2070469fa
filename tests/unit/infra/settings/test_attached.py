"""Files that forms name: the content decides, the path does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.settings.attached import content_of, key_of, prefetch_files, resolved
from infra.settings.model import Settings
from kit.errors import SettingsError


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def form_with(path: Path, content: object) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return f"soci-v2-prefetch(files={path})"


def test_the_same_list_gives_the_same_form_wherever_it_lies_and_however_it_is_written(tmp_path: Path) -> None:
    one = resolved(form_with(tmp_path / "one.json", ["/b", "a//c", "/b"]))
    other = resolved(form_with(tmp_path / "other.json", '[\n  "/a/c",\n  "b"\n]'))
    assert one == other == f"soci-v2-prefetch(files={key_of(json.dumps(['/a/c', '/b']))})"
    assert resolved(form_with(tmp_path / "one.json", ["/b"])) != one


def test_a_form_named_by_key_is_left_as_it_is_and_its_content_is_found_again(tmp_path: Path) -> None:
    form = resolved(form_with(tmp_path / "list.json", ["/a"]))
    (tmp_path / "list.json").unlink()
    assert resolved(form) == form
    assert content_of(form) == json.dumps(["/a"])
    assert content_of("soci-v2(span=1MiB)") is None


def test_a_key_that_this_machine_does_not_know_is_named() -> None:
    with pytest.raises(SettingsError, match=r"key 0123456789ab is not known on this machine. Name it by its path"):
        content_of("soci-v2-prefetch(files=0123456789ab)")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "it is not JSON"),
        ({"files": ["/a"]}, "wanted: a JSON list of at least one path"),
        ([], "wanted: a JSON list of at least one path"),
        (["/a", 1], "wanted: a JSON list"),
        (["/"], "wanted: a JSON list"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: object, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        resolved(form_with(tmp_path / "list.json", content))
    assert str(tmp_path / "list.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.json cannot be used: No such file"):
        resolved(f"soci-v2-prefetch(files={tmp_path}/missing.json)")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"binary cannot be used"):
        resolved(f"soci-v2-prefetch(files={tmp_path}/binary)")


def test_settings_name_a_list_by_its_key(tmp_path: Path) -> None:
    text = form_with(tmp_path / "list.json", ["/a"])
    assert Settings.parse({"forms": f"plain,{text}"}).forms == ("plain", resolved(text))


def test_paths_that_leave_the_image_end_at_its_root() -> None:
    assert prefetch_files('["../../etc/passwd"]') == '["/etc/passwd"]'
