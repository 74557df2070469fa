import subprocess
import sys
import time
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from infra.sources import payloads
from infra.sources.payloads import PayloadSpec, prepare
from kit.errors import MachineError, SettingsError

SMALL = PayloadSpec(seed=7, movie_megabytes=9, parquet_test_megabytes=1, parquet_train_megabytes=2)
PARQUET_FILES = ["test.parquet", "train-0.parquet", "train-1.parquet", "train-2.parquet"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def movie(cache: Path) -> Path:
    return prepare("movie", SMALL, cache)


@pytest.fixture(scope="module")
def parquet(cache: Path) -> Path:
    return prepare("parquet", SMALL, cache)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_movie_is_one_file_of_exactly_the_size(movie: Path) -> None:
    assert sorted(contents(movie)) == ["movie.mov", "movie.mov.stat"]
    assert (movie / "movie.mov").stat().st_size == 9_000_000


def test_parquet_files_have_the_size_within_two_percent(parquet: Path) -> None:
    assert sorted(contents(parquet)) == sorted([*PARQUET_FILES, *(f"{name}.stat" for name in PARQUET_FILES)])
    for name in PARQUET_FILES:
        wanted = 1e6 if name == "test.parquet" else 2e6
        assert (parquet / name).stat().st_size == pytest.approx(wanted, rel=0.02)


def test_parquet_files_are_read_back_as_conversations(parquet: Path) -> None:
    table = pq.read_table(parquet / "train-0.parquet")
    assert table.column_names == ["id", "source", "messages", "embedding"]
    assert table["id"].to_pylist() == list(range(table.num_rows))
    assert table.num_rows > 400
    message = table["messages"][0].as_py()[0]
    assert message["role"] == "user"
    assert len(message["content"].split()) == 24


def test_large_parquet_files_have_several_row_groups(tmp_path: Path) -> None:
    folder = prepare("parquet", SMALL.model_copy(update={"parquet_test_megabytes": 20}), tmp_path)
    assert (folder / "test.parquet").stat().st_size == pytest.approx(20e6, rel=0.02)
    assert pq.ParquetFile(folder / "test.parquet").metadata.num_row_groups >= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["movie.mov", *PARQUET_FILES])
def test_files_cannot_be_compressed(movie: Path, parquet: Path, name: str) -> None:
    data = ((movie if name == "movie.mov" else parquet) / name).read_bytes()
    assert len(zlib.compress(data, 6)) > 0.99 * len(data)


def test_files_of_one_variant_have_nothing_in_common(parquet: Path) -> None:
    embeddings = {name: pq.read_table(parquet / name, columns=["embedding"])[0][0].as_py() for name in PARQUET_FILES}
    assert len(set(embeddings.values())) == len(PARQUET_FILES)


@pytest.mark.parametrize("variant", ["movie", "parquet"])
def test_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, movie: Path, parquet: Path, variant: str
) -> None:
    first = contents(movie if variant == "movie" else parquet)
    again = contents(prepare(variant, SMALL, tmp_path))
    other = contents(prepare(variant, SMALL.model_copy(update={"seed": 8}), tmp_path))
    assert again == first
    assert all(other[name] != first[name] for name in first if not name.endswith(".stat"))


def test_stat_tells_the_files_size_and_no_machines_details(parquet: Path) -> None:
    size_bytes = (parquet / "test.parquet").stat().st_size
    lines = (parquet / "test.parquet.stat").read_text().splitlines()
    assert lines[0] == "  File: /srv/www/payload/test.parquet"
    assert lines[1] == f"  Size: {size_bytes}\tregular file"
    assert lines[3] == "Modify: 1970-01-01 00:00:00.000000000 +0000"


def test_modes_and_times_are_fixed(movie: Path, parquet: Path) -> None:
    states = [path.stat() for folder in (movie, parquet) for path in folder.iterdir()]
    assert {(state.st_mode & 0o7777, state.st_mtime_ns) for state in states} == {(0o644, 0)}


def test_what_is_in_the_cache_is_not_made_again(cache: Path, movie: Path) -> None:
    said: list[str] = []
    assert prepare("movie", SMALL, cache, said.append) == movie
    assert said == []


def test_progress_names_each_file(tmp_path: Path) -> None:
    said: list[str] = []
    prepare("parquet", SMALL, tmp_path, said.append)
    assert [line.split(":")[0] for line in said] == PARQUET_FILES


def test_key_depends_on_what_the_variant_uses_and_on_nothing_else() -> None:
    larger_movie = SMALL.model_copy(update={"movie_megabytes": 10})
    assert larger_movie.key("movie") != SMALL.key("movie")
    assert larger_movie.key("parquet") == SMALL.key("parquet")
    assert SMALL.key("movie") != SMALL.key("parquet")
    assert SMALL.model_copy(update={"movie_url": "http://x"}).key("movie") == SMALL.key("movie")


def test_key_of_a_download_depends_on_its_source_and_not_on_the_seed() -> None:
    spec = PayloadSpec(kind="download")
    assert spec.key("movie") != SMALL.key("movie")
    assert spec.model_copy(update={"seed": 9}).key("movie") == spec.key("movie")
    assert spec.model_copy(update={"movie_sha256": "0" * 64}).key("movie") != spec.key("movie")


def test_key_of_parquet_depends_on_the_writers_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {variant: SMALL.key(variant) for variant in ("movie", "parquet")}
    monkeypatch.setattr(payloads, "version", lambda _name: "0.0")
    assert SMALL.key("parquet") != before["parquet"]
    assert SMALL.key("movie") == before["movie"]


def test_variant_without_payload_is_named() -> None:
    with pytest.raises(SettingsError, match="no payload for variant 'own'; there is one for movie, parquet"):
        SMALL.key("own")


@pytest.mark.parametrize(
    "wrong", [{"movie_megabytes": 0}, {"seed": -1}, {"kind": "other"}, {"movie_sha256": "abc"}, {"unknown": 1}]
)
def test_impossible_spec_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PayloadSpec.model_validate(wrong)


def test_payload_larger_than_the_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    huge = SMALL.model_copy(update={"movie_megabytes": 100_000_000})
    with pytest.raises(MachineError, match=r"needs 100000\.0 GB in .* free"):
        prepare("movie", huge, tmp_path)
    assert not list(tmp_path.rglob("movie.mov"))


PREPARE = """
import sys
from pathlib import Path
from infra.sources.payloads import PayloadSpec, prepare
prepare("movie", PayloadSpec(seed=7, movie_megabytes=int(sys.argv[2])), Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_process_killed_while_writing_leaves_nothing_that_passes_for_a_payload(tmp_path: Path, movie: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PREPARE, tmp_path, "9000"]) as process:
        while not any(path.stat().st_size for path in tmp_path.rglob("movie.mov")):
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    assert [path.suffix for path in (tmp_path / "payloads").iterdir() if path.is_dir()] == [".partial"]
    again = prepare("movie", SMALL, tmp_path)
    assert contents(again) == contents(movie)
