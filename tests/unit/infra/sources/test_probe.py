import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from infra.oci.layout import blob_path
from infra.sources import probe, programs


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands in for the compiled probe."""
    path = tmp_path / "built" / "probe"
    path.parent.mkdir()
    path.write_bytes(b"program")
    monkeypatch.setattr(programs, "build", lambda name, architecture, cache: path.parent)
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    return path


def blob(layout: Path, digest: str) -> bytes:
    return blob_path(layout, digest).read_bytes()


def test_the_image_holds_the_program_and_nothing_else(program: Path, tmp_path: Path) -> None:
    image = probe.prepare("linux/arm64", tmp_path)
    manifest = json.loads(blob(image.layout, image.digest))
    config = json.loads(blob(image.layout, manifest["config"]["digest"]))
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert config["config"] == {"Entrypoint": ["/probe"], "User": "65534:65534"}
    (layer,) = manifest["layers"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(image.layout, layer["digest"])))) as tar:
        (entry,) = tar.getmembers()
        content = tar.extractfile(entry)
        assert content is not None
        assert (entry.name, entry.mode, content.read()) == ("probe", 0o755, b"program")


def test_the_same_program_gives_the_same_image_anywhere(program: Path, tmp_path: Path) -> None:
    first, second = (probe.prepare("linux/amd64", tmp_path / folder) for folder in "ab")
    assert first.layout != second.layout
    assert first.digest == second.digest


def test_each_architecture_has_an_image_of_its_own(program: Path, tmp_path: Path) -> None:
    assert probe.prepare("linux/amd64", tmp_path).digest != probe.prepare("linux/arm64", tmp_path).digest
