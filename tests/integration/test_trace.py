"""A real boot of a real image, watched: what the trace says is what strace, the network and the files say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from infra.lab import cluster
from infra.lab.profiles import profile
from infra.settings.model import Settings
from infra.trace.assemble import assemble
from infra.trace.model import Trace, parse
from infra.trace.prepare import fetch, files_of, index
from infra.trace.record import DEFAULT_PROFILE, Wanted, boot, observe, opening
from infra.trace.seen import About
from infra.trace.summary import summary
from infra.trace.trace import seen_layers
from kit.machine import processes
from kit.scratch import scratch
from kit.toolchain.toolbox import tool
from sociometer.cli.main import main
from tests.support.field_images import Tar, gzip_layer, image, zstd_layer
from tests.support.traced import PART, busybox, opened, watched_image

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


class Watched(NamedTuple):
    """A trace, and what strace saw of the same boot: the contents that it opened, as layer and path."""

    trace: Trace
    strace: set[tuple[int, str]]


class Ran(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


Sociometer = Callable[..., Ran]


def silent(_line: str) -> None:
    """Nobody listens."""


def left() -> list[str]:
    """Folders and processes of labs, and scratch rooms."""
    folder = cluster.run_folder()
    rooms = [str(path) for path in Path(os.environ["SOCIOMETER_DATA"]).glob("cache/scratch/*") if path.is_dir()]
    return [*map(str, folder.glob("*")), *map(str, processes.naming(f"{folder}/")), *rooms]


@pytest.fixture(autouse=True)
def own_place(own_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("kit.scratch.cache_dir", lambda: own_data / "cache")  # the tools stay where they are
    yield
    assert left() == []


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return watched_image().write(tmp_path_factory.mktemp("traced") / "image")


@pytest.fixture(scope="module")
def watched(own_data: Path, layout: Path) -> Watched:
    settings = Settings.parse(
        {"variants": [], "minLayerSize": 0, "images": {"it": {"image": f"oci:{layout}", "ready": "exit:0"}}}
    )
    wanted = Wanted(settings.images["it"], profile(DEFAULT_PROFILE), settings.platform, 100)
    with scratch("trace") as room, opening(files_of(room), wanted) as lab:
        made = index(fetch("it", settings, room, silent), settings, room, silent)
        layers = seen_layers(made)
        host, run = boot(lab, made, wanted, silent)
        seen = observe(host, run, [layer.files for layer in layers])
        (log,) = host.layers.soci_root.glob("snapshotter/snapshots/*/fs/seen")
        names = opened(log.read_text())
    about = About("it", made.image.manifest.digest, settings.platform, "exit:0", settings.span_size, recompressed=False)
    meant = [
        [content for layer in reversed(layers) if layer.files and (content := layer.files.named(it))] for it in names
    ]
    return Watched(assemble(about, layers, seen), {(found[0].layer, found[0].path) for found in meant if found})


def test_every_file_that_strace_sees_opened_is_in_the_trace(watched: Watched) -> None:
    traced = {(file.layer, file.path) for file in watched.trace.files}
    assert len(watched.strace) > 20
    assert watched.strace - traced == set()


def test_what_is_fetched_agrees_with_the_network_to_5_percent(watched: Watched) -> None:
    found = summary(watched.trace)
    assert watched.trace.received_bytes is not None and watched.trace.whole_bytes is not None
    assert found.fetched_bytes + watched.trace.whole_bytes == pytest.approx(watched.trace.received_bytes, rel=0.05)
    assert found.fetched_bytes > 10 << 20


def test_parts_of_files_are_told_and_files_by_the_name_of_their_content(watched: Watched) -> None:
    files = {(file.layer, file.path): file for file in watched.trace.files}
    big, mapped = files[1, "app/data/big"], files[1, "app/data/mapped"]
    start, end = PART[0], sum(PART)
    assert any(low <= start and end <= high for low, high in big.ranges)
    assert big.read_bytes < big.size_bytes / 4
    assert any(low <= 3 << 20 < high for low, high in mapped.ranges)
    assert files[1, "app/data/one"].ranges  # by its hard link, while the upper layer hides this name
    assert files[2, "app/data/two"].ranges == ((0, 2),)
    assert files[2, "app/empty"].ranges == ()
    assert files[2, "app/data/replaced"].ranges == ((0, 3_000),)
    assert (1, "app/data/replaced") not in files
    assert files[2, "app/main.py"].first_ms < big.first_ms <= watched.trace.ready_ms  # type: ignore[operator]


def test_what_a_trace_is_of_is_the_image_as_it_is(watched: Watched, layout: Path) -> None:
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert watched.trace.digest == entry["digest"]
    assert [layer.lazy is not None for layer in watched.trace.layers] == [True] * 3
    assert len(watched.trace.not_seen) == 2


@pytest.fixture
def sociometer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sociometer:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["sociometer", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capfd.readouterr()
        return Ran(int(ended.value.code or 0), stdout, stderr)

    return run


def test_the_command_writes_what_it_was_asked_for_and_soci_takes_the_prefetch_list(
    sociometer: Sociometer, layout: Path, tmp_path: Path
) -> None:
    results = ("--prefetch-list", "files.json", "--picture", "picture.svg")
    done = sociometer("trace", f"oci:{layout}", "--ready", "exit:0", *results)
    assert (done.exit_code, "app/data" in done.stdout) == (0, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files.json", "picture.svg", "trace-image.json"]
    trace = parse((tmp_path / "trace-image.json").read_text(), "it")
    assert summary(trace).read_files == len(json.loads((tmp_path / "files.json").read_text()))
    assert (tmp_path / "picture.svg").read_text().startswith("<svg")
    words = ("convert", "--standalone", "--format", "oci-dir", "--min-layer-size", "0", "--prefetch-files-json")
    command = [str(tool("soci")), *words, "files.json", str(layout), str(tmp_path / "converted")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    lost = {file.path for file in trace.files if file.tar_name and file.ranges}
    assert set(re.findall("prefetch file (.*) not found in any layer", said.stderr)) == lost
    assert {file.layer for file in trace.files if file.tar_name} == {0}  # whose tar writes ./usr/bin
    assert f"soci will not find {len(lost)} of the listed files" in done.stderr
    documents = [
        path.read_bytes() for path in (tmp_path / "converted/blobs/sha256").iterdir() if path.stat().st_size < 9_000
    ]
    assert sum(b'"prefetch_spans"' in document for document in documents) == 2


def test_an_image_that_never_becomes_ready_writes_nothing_and_says_what_was_seen_last(
    sociometer: Sociometer, layout: Path, tmp_path: Path
) -> None:
    done = sociometer(
        "trace", f"oci:{layout}", "--ready", "tcp:99", "--command", "/bin/busybox sleep 100", "--timeout", "5"
    )
    assert done.exit_code == 1
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "did not become ready (tcp:99)" in line and "connection refused" in line
    assert done.stderr.endswith(f"{line}\n")
    assert list(tmp_path.iterdir()) == []


def test_an_image_without_a_layer_that_could_be_lazy_is_refused_in_one_line(
    sociometer: Sociometer, layout: Path, tmp_path: Path
) -> None:
    done = sociometer("trace", f"oci:{layout}", "--ready", "exit:0", "--min-layer-size", "1GiB")
    assert done.exit_code == 1
    assert "no layer of 3 reaches min-layer-size" in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_layers_of_zstd_are_recompressed_and_small_ones_left_whole_where_it_is_asked_for(
    sociometer: Sociometer, tmp_path: Path
) -> None:
    top = zstd_layer(Tar().folder("app").file("app/text", b"text" * 5_000).file("app/other", b"other" * 5_000))
    layout = watched_image(top).write(tmp_path / "zstd")
    words = ("--ready", "exit:0", "--command", "/bin/busybox cat /app/text", "--output", "it.json")
    assert sociometer("trace", f"oci:{layout}", *words, "--json").exit_code == 0
    trace = parse((tmp_path / "it.json").read_text(), "it")
    assert trace.layers[3].digest == top.digest
    assert [file.path for file in trace.files if file.layer == 3] == ["app/text"]
    assert any("recompressed" in line for line in trace.not_seen)
    done = sociometer("trace", f"oci:{layout}", *words, "--min-layer-size", "1MiB", "--json")
    trace = parse(done.stdout, "it")
    assert [layer.lazy is not None for layer in trace.layers] == [True, True, False, False]
    assert sum("was loaded whole" in line for line in trace.not_seen) == 2


def test_an_image_with_one_layer_is_traced(sociometer: Sociometer, tmp_path: Path) -> None:
    layer = gzip_layer(Tar().folder("bin").file("bin/busybox", busybox(), 0o755))
    layout = image([layer], config={"Cmd": ["/bin/busybox", "true"]}).write(tmp_path / "one")
    done = sociometer("trace", f"oci:{layout}", "--ready", "exit:0", "--json")
    assert [file.path for file in parse(done.stdout, "it").files] == ["bin/busybox"]


def test_ctrl_c_ends_a_trace_with_130_and_leaves_nothing(own_data: Path, layout: Path, tmp_path: Path) -> None:
    words = ("trace", f"oci:{layout}", "--ready", "tcp:99", "--command", "/bin/busybox sleep 100")
    command = subprocess.Popen(
        [Path(sys.executable).with_name("sociometer"), *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert command.stderr is not None
    for line in command.stderr:
        if line.strip() == "waiting to be ready":
            break
    time.sleep(0.5)
    psutil.Process(command.pid).send_signal(2)
    command.communicate(timeout=60)
    assert command.returncode == 130
    assert list(tmp_path.iterdir()) == []
