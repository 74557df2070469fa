"""The hasher as the images get it: compiled for both architectures, and run."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import zlib
from pathlib import Path

import pytest

from infra.settings.model import machine_platform
from infra.sources import hasher
from kit.command import run

pytestmark = pytest.mark.lab
HERE = machine_platform().removeprefix("linux/")
ELF_MACHINES = {"amd64": 62, "arm64": 183}
PROGRAM_INTERPRETER = 3


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def program(cache: Path) -> Path:
    return hasher.build(HERE, cache) / "hasher"


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_binary_is_of_its_architecture_and_needs_no_library(cache: Path, architecture: str) -> None:
    data = (hasher.build(architecture, cache) / "hasher").read_bytes()
    assert data[:4] == b"\x7fELF"
    (machine,) = struct.unpack_from("<H", data, 18)
    assert machine == ELF_MACHINES[architecture]
    assert PROGRAM_INTERPRETER not in segment_types(data)


def segment_types(data: bytes) -> list[int]:
    """The types of a 64-bit ELF file's segments (elf(5), Elf64_Ehdr and Elf64_Phdr)."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return [struct.unpack_from("<I", data, table + number * size)[0] for number in range(count)]


def test_another_build_has_the_same_bytes_whatever_go_is_told(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-tags=other")
    monkeypatch.setenv("GOAMD64", "v3")
    monkeypatch.setenv("GOARM64", "v8.1")
    again = hasher.build(HERE, tmp_path / "another") / "hasher"
    assert again.read_bytes() == program.read_bytes()


def test_what_was_built_needs_no_go(program: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert hasher.build(HERE, cache) / "hasher" == program


def test_hashes_are_those_of_independent_implementations(program: Path, tmp_path: Path) -> None:
    data = random.Random(3).randbytes(5_000_001)
    (tmp_path / "file").write_bytes(data)
    (found,) = json.loads(run([program, "--json", tmp_path / "file"], timeout_seconds=60).stdout)["files"]
    expected = {name: hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}
    expected |= {"crc32": f"{zlib.crc32(data):08x}", "adler32": f"{zlib.adler32(data):08x}"}
    assert found == {"path": str(tmp_path / "file"), "bytes": len(data), **expected}


def test_missing_file_is_one_line_and_the_others_are_hashed(program: Path, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(b"abc")
    done = run([program, tmp_path / "missing", tmp_path, tmp_path / "good"], timeout_seconds=60, check=False)
    assert done.exit_code == 1
    assert done.stderr == f"hasher: {tmp_path}/missing: no such file or directory\nhasher: {tmp_path}: is a directory\n"
    assert "900150983cd24fb0d6963f7d28e17f72" in done.stdout
