"""How regctl's answers are told apart: missing, corrupt, unreachable, refused. The texts are regctl 0.11's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.oci.manifest import Reference
from infra.oci.regctl import Access, Deadline, Regctl
from kit.errors import CommandTimeout, ImageError, RegistryUnreachable
from tests.support.programs import script

DIGEST = "sha256:" + "a" * 64
IMAGE = Reference("127.0.0.1:5000/a", DIGEST)
SAID = {
    "missing": f"failed to get manifest {IMAGE}: request failed: not found [http 404]: ",
    "unreachable": 'failed to get manifest: Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: refused',
    "corrupt": f"digest mismatch [expected {DIGEST}, calculated sha256:bbb]: EOF",
    "refused": "failed to get manifest: request failed: unauthorized [http 401]: authentication required",
}


def saying(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str) -> Regctl:
    program = script(folder / "regctl", f"echo '{SAID[answer]}' >&2; exit 1")
    monkeypatch.setattr("infra.oci.regctl.tool", lambda name: program)
    return Regctl(Access(plain_http=True), Deadline(10))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("missing", ImageError),
        ("corrupt", ImageError),
        ("unreachable", RegistryUnreachable),
        ("refused", ImageError),
    ],
)
def test_each_answer_has_its_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        saying(monkeypatch, tmp_path, answer).manifest(IMAGE)
    assert type(caught.value) is error


def test_only_a_missing_manifest_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not saying(monkeypatch, tmp_path, "missing").has_manifest(IMAGE)
    for answer, error in (("unreachable", RegistryUnreachable), ("refused", ImageError)):
        with pytest.raises(error):
            saying(monkeypatch, tmp_path, answer).has_manifest(IMAGE)


def test_deleting_what_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saying(monkeypatch, tmp_path, "missing").delete_manifest(IMAGE)
    with pytest.raises(
        ImageError, match=r"^127.0.0.1:5000 wants a login, or refuses yours: `docker login 127.0.0.1:5000`"
    ):
        saying(monkeypatch, tmp_path, "refused").delete_manifest(IMAGE)


def test_a_manifest_with_another_digest_is_corrupt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = script(tmp_path / "regctl", "echo '{}'")
    monkeypatch.setattr("infra.oci.regctl.tool", lambda name: program)
    with pytest.raises(ImageError, match="is corrupt in the registry"):
        Regctl(Access(), Deadline(10)).manifest(IMAGE)


@pytest.mark.parametrize(
    ("said", "mounted"), [("", True), ('level=WARN msg="Failed to mount blob" src="" tgt="" err=refused', False)]
)
def test_a_blob_that_had_to_be_copied_was_not_mounted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, mounted: bool
) -> None:
    program = script(tmp_path / "regctl", f"echo '{said}' >&2")
    monkeypatch.setattr("infra.oci.regctl.tool", lambda name: program)
    assert Regctl(Access(), Deadline(10)).mount(IMAGE, "127.0.0.1:5000/b") is mounted


def test_a_deadline_that_is_over_starts_nothing() -> None:
    with pytest.raises(CommandTimeout, match=r"time limit of 0 s is over"):
        Deadline(0).remaining_seconds()
