"""Images laid out anew, with the real tools: the snapshotter takes the lists, containerd sees the same files."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.lab import daemons
from infra.lab.cluster import Cluster
from infra.lab.edge import REGISTRY
from infra.lab.host import Host
from infra.lab.profiles import DEFAULT_PROFILE, profile
from infra.oci import layout, names, soci
from infra.oci.manifest import OCI_INDEX, Index, Manifest, Reference, as_image, digest_of, parse, split
from infra.oci.regctl import Access, Deadline, Regctl
from infra.relayout import layer, proof
from infra.relayout.laying import NOT_LAZY, exact, touched_layers
from infra.relayout.make import FROM_LAYERS, MOUNTED
from infra.relayout.report import RelayoutReport
from infra.sources import own
from infra.trace.model import Trace, TracedFile, TracedLayer
from kit.errors import ImageError, SociometerError
from sociometer.cli.main import app
from tests.support import field_images
from tests.support.field_images import FieldImage, Layer, Tar, gzip_layer, image, noise
from tests.support.odd_layers import OddTar, Packed
from tests.support.registry import TestRegistry, registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

MIB = 1 << 20
PLATFORM = "linux/amd64"
PROFILE = profile(DEFAULT_PROFILE)
FILES = 40
"""Of 512 KiB in the one layer that matters: 20 MiB that do not compress, in about 20 spans of 1 MiB."""


def scattered() -> FieldImage:
    """A layer of which every eighth file is read, over a small one."""
    tar = Tar().folder("app")
    for number in range(FILES):
        tar.file(f"app/{number:02}", noise(f"app{number}", 512 << 10))
    config = {"Cmd": ["/bin/true"], "Labels": {"who": "me"}, "Entrypoint": ["/app/00"], "Env": ["A=1"]}
    return image([field_images.base(), gzip_layer(tar)], config=config)


def read_files() -> tuple[TracedFile, ...]:
    """In another order than the tar's."""
    return tuple(
        TracedFile(path=f"app/{number:02}", layer=1, size_bytes=512 << 10, ranges=((0, 512 << 10),))
        for number in reversed(range(3, FILES, 8))
    )


def trace_of(made: FieldImage, files: tuple[TracedFile, ...], name: str = "oci:image") -> Trace:
    layers = tuple(
        TracedLayer(digest=it.digest, diff_id=it.diff_id, media_type=it.media_type, size_bytes=len(it.blob))
        for it in made.layers
    )
    return Trace(
        image=name, digest=made.digest, platform="linux/amd64", ready="exit:0", ready_ms=1.0, layers=layers, files=files
    )


@pytest.fixture(scope="module")
def lab() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))


@contextmanager
def pulled(lab: TestRegistry, reference: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The image pulled on a lab host whose snapshotter prefetches, and fetches nothing in the background."""
    config = daemons.soci_config

    def alone(address: str, modes: daemons.PullModes) -> str:
        return f"[background_fetch]\ndisable = true\n{config(address, modes)}"

    with monkeypatch.context() as patched, closing(Cluster.open(lab.storage, PROFILE, PLATFORM)) as cluster:
        patched.setattr(daemons, "soci_config", alone)
        host = cluster._open_host(0, daemons.PullModes(prefetch=True))
        try:
            host.pull(reference.replace(lab.host, REGISTRY, 1), "soci", timeout_seconds=60)
            yield host
        finally:
            host.close()


def snapshotter_log(host: Host) -> str:
    return host.layers.soci_log.read_text()


def converted(made: FieldImage, room: Path) -> soci.Converted:
    """As soci converts it, with spans of 1 MiB."""
    made.write(room / "source")
    return soci.convert(room / "source", room / "converted", soci.IndexOptions(MIB, MIB, PLATFORM), Deadline(60))


def push(folder: Path, digest: str, lab: TestRegistry, name: str) -> str:
    reference = Reference(f"{lab.host}/{name}", digest)
    Regctl(Access(plain_http=True), Deadline(60)).push(folder, reference)
    return str(reference)


def test_the_snapshotter_fetches_exactly_the_spans_of_the_list(
    lab: TestRegistry, data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scattered()
    lazy = converted(made, tmp_path)
    without = push(lazy.folder, lazy.top.digest, lab, "without")
    touched = touched_layers(lazy, trace_of(made, read_files()))
    assert 5 <= len(touched[1].spans) <= 10 < touched[1].span_count
    listed = exact(lazy, touched)
    assert listed.top.digest != lazy.top.digest
    received, forms = {}, {"without": without, "listed": push(listed.folder, listed.top.digest, lab, "listed")}
    for name, reference in forms.items():
        with pulled(lab, reference, monkeypatch) as host:
            assert host.layers.lazy() == 1
            log = snapshotter_log(host)
            assert "mismatched digest" not in log
            assert "without prefetch" not in log
            assert ("Successfully loaded prefetch artifact" in log) == (name == "listed")
            received[name] = host.received_bytes()
    fetched = received["listed"] - received["without"]
    assert touched[1].stored_bytes < fetched < 1.1 * touched[1].stored_bytes


def test_a_list_in_another_order_of_keys_is_what_the_snapshotter_refuses(
    lab: TestRegistry, data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the test above would notice an index that Go writes in another way."""
    made = scattered()
    lazy = converted(made, tmp_path)
    lazy = exact(lazy, touched_layers(lazy, trace_of(made, read_files())))
    value = json.loads(lazy.index.raw)
    value["layers"][-1] = dict(reversed(value["layers"][-1].items()))
    wrong = as_image(parse(json.dumps(value, separators=(",", ":")).encode(), name="index"), "index")
    top = lazy.top.raw.replace(lazy.index.digest.encode(), wrong.digest.encode())
    image_raw = lazy.image.raw.replace(lazy.index.digest.encode(), wrong.digest.encode())
    top = top.replace(lazy.image.digest.encode(), digest_of(image_raw).encode())
    for raw, media_type in ((wrong.raw, wrong.media_type), (image_raw, lazy.image.media_type)):
        layout.write_blob(lazy.folder, raw, media_type)
    layout.write_image(lazy.folder, top, OCI_INDEX)
    with pulled(lab, push(lazy.folder, digest_of(top), lab, "wrong"), monkeypatch) as host:
        assert "mismatched digest" in snapshotter_log(host)
        assert host.layers.lazy() == 0


def relayout(made: FieldImage, room: Path, *more: str, files: tuple[TracedFile, ...] | None = None) -> Result:
    """Run the command on the image, which gets the name ``oci:ROOM/image``; the output is ``ROOM/out``."""
    if not (room / "image").exists():
        made.write(room / "image")
    name = f"oci:{room / 'image'}"
    trace = trace_of(made, read_files() if files is None else files, name)
    (room / "trace.json").write_text(trace.model_dump_json())
    words = ["relayout", name, "--trace", str(room / "trace.json"), "--output", f"oci:{room / 'out'}"]
    return CliRunner().invoke(app, [*words, "--span-size", "1MiB", "--min-layer-size", "1MiB", *more])


def output(room: Path) -> tuple[Manifest, dict[str, Any]]:
    """The manifest of the ordinary image in the output, and its configuration."""
    digest = layout.only_digest(room / "out")
    top = layout.read(room / "out", digest)
    assert isinstance(top, Index)
    _, entry = split(top, digest)
    manifest = as_image(layout.read(room / "out", entry.digest), entry.digest)
    return manifest, json.loads(layout.blob_path(room / "out", manifest.config.digest).read_bytes())


def test_the_command_moves_what_boot_reads_to_the_front_and_proves_that_nothing_else_changed(tmp_path: Path) -> None:
    made = scattered()
    done = relayout(made, tmp_path, "--json")
    assert done.exit_code == 0, done.output
    report = RelayoutReport.model_validate_json(done.stdout)
    small, large = report.layers
    assert (small.new_digest, small.kept_because) == (made.layers[0].digest, NOT_LAZY)
    assert (large.files_first, large.kept_because) == (5, None)
    assert large.spans_touched is not None and large.new_spans_touched is not None
    assert large.new_spans_touched <= 4 < large.spans_touched
    assert report.proof == MOUNTED
    assert report.paths == 1 + 2 + 1 + FILES
    manifest, config = output(tmp_path)
    assert [it.digest for it in manifest.layers] == [it.new_digest for it in report.layers]
    assert config["config"] == json.loads(made.configs[0])["config"]
    assert config["rootfs"]["diff_ids"][0] == made.layers[0].diff_id


def test_the_output_is_the_same_each_time(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        done = relayout(scattered(), tmp_path / name)
        assert done.exit_code == 0, done.output
        digests.add(layout.only_digest(tmp_path / name / "out"))
    assert len(digests) == 1


def test_the_output_boots_lazily_and_fetches_less(
    lab: TestRegistry, data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, lists = scattered(), {}
    for name, more in {"kept": ("--keep-layers",), "laid": ()}.items():
        folder = tmp_path / name
        folder.mkdir()
        assert relayout(made, folder, *more).exit_code == 0
        reference = push(folder / "out", layout.only_digest(folder / "out"), lab, name)
        with pulled(lab, reference, monkeypatch) as host:
            assert host.layers.lazy() == 1
            assert "Successfully loaded prefetch artifact" in snapshotter_log(host)
            lists[name] = host.received_bytes()
    assert lists["laid"] < 0.7 * lists["kept"]


def test_keep_layers_leaves_layers_and_configuration_as_they_are(tmp_path: Path) -> None:
    made = scattered()
    done = relayout(made, tmp_path, "--keep-layers")
    assert done.exit_code == 0, done.output
    assert "No layer has changed" in done.stdout
    manifest, config = output(tmp_path)
    assert [it.digest for it in manifest.layers] == [it.digest for it in made.layers]
    assert config == json.loads(made.configs[0])


HOT = ("hot/one", "hot/two")


def odd_layer(add: Callable[[OddTar], None], dialect: int = tarfile.PAX_FORMAT, **header: str) -> Layer:
    """What ``add`` adds, among files of which two small ones, far apart, are read."""
    tar = OddTar(dialect, header)
    put_folder(tar, "hot")
    tar.add(tarfile.TarInfo("cold/a"), noise("a", 300_000))
    tar.add(tarfile.TarInfo(HOT[0]), noise("one", 3000))
    add(tar)
    tar.add(tarfile.TarInfo("cold/b"), noise("b", 300_000))
    tar.add(tarfile.TarInfo(HOT[1]), noise("two", 3000))
    tar.add(tarfile.TarInfo("cold/c"), noise("c", 300_000))
    return Packed(tar.end(), ()).layer


def put(tar: OddTar, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: Any) -> None:
    member = tarfile.TarInfo(name)
    member.type = kind
    for key, value in more.items():
        setattr(member, key, value)
    tar.add(member, content)


def put_folder(tar: OddTar, name: str, **more: Any) -> None:
    put(tar, name, kind=tarfile.DIRTYPE, mode=0o755, **more)


def plain_links(tar: OddTar) -> None:
    put(tar, "links/file", b"content", mtime=1_600_000_000)
    put(tar, "links/hard", kind=tarfile.LNKTYPE, linkname="links/file")
    put(tar, "hard-to-hot", kind=tarfile.LNKTYPE, linkname=HOT[0])
    put(tar, "links/soft", kind=tarfile.SYMTYPE, linkname="../lib/base", mode=0o777)


def hiding(tar: OddTar) -> None:
    put_folder(tar, "old")
    put(tar, "old/new", b"new")
    put(tar, "old/.wh..wh..opq")
    put(tar, "lib/.wh.base")


def special(tar: OddTar) -> None:
    put(tar, "dev/null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    put(tar, "dev/disk", kind=tarfile.BLKTYPE, devmajor=7, devminor=0, mode=0o660, gid=6)
    put(tar, "pipe", kind=tarfile.FIFOTYPE, mode=0o600)
    put(tar, "bin/su", b"#!", mode=0o4755)
    put_folder(tar, "tmp")


def attributes(tar: OddTar) -> None:
    capability = b"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0".decode("latin-1")
    put(tar, "bin/ping", b"ping", pax_headers={"SCHILY.xattr.security.capability": capability})
    put(tar, "noted", b"note", pax_headers={"SCHILY.xattr.user.note": "yes"}, mtime=1_600_000_000.25, uid=70_000_000)


def sparse(tar: OddTar) -> None:
    """As GNU tar writes it in PAX format; of its older format SOCI indexes nothing."""
    words = {"major": "1", "minor": "0", "name": "holes", "realsize": "9000"}
    content = b"1\n8192\n808\n".ljust(512, b"\0") + noise("part", 808)
    put(tar, "GNUSparseFile.0/holes", content, pax_headers={f"GNU.sparse.{key}": it for key, it in words.items()})


def long_names(tar: OddTar) -> None:
    put(tar, "deep/" * 40 + "x" * 200, b"deep")
    put(tar, "ünïcode \udcff\n", b"no text")


MOVED: dict[str, Layer] = {
    "links": odd_layer(plain_links),
    "whiteouts": odd_layer(hiding),
    "special files": odd_layer(special),
    "attributes": odd_layer(attributes),
    "a sparse file": odd_layer(sparse),
    "long names": odd_layer(long_names),
    "long names of GNU": odd_layer(long_names, tarfile.GNU_FORMAT),
}


def below() -> Layer:
    return gzip_layer(Tar().folder("lib").file("lib/base", noise("base", 9000)).folder("old").file("old/gone", b"x"))


def laid_out(odd: Layer, room: Path) -> tuple[Result, FieldImage]:
    made = image([below(), odd])
    files = tuple(TracedFile(path=path, layer=1, size_bytes=3000, ranges=((0, 3000),)) for path in (HOT[1], HOT[0]))
    return relayout(made, room, "--min-layer-size", "0", "--span-size", "64KiB", "--json", files=files), made


@pytest.mark.parametrize("case", MOVED)
def test_containerd_sees_the_same_files_in_a_layer_with(case: str, tmp_path: Path) -> None:
    done, _ = laid_out(MOVED[case], tmp_path)
    assert done.exit_code == 0, done.output
    report = RelayoutReport.model_validate_json(done.stdout)
    assert report.layers[1].kept_because is None
    assert report.proof == MOUNTED


@pytest.mark.parametrize("case", MOVED)
def test_containerd_sees_the_same_files_where_a_layer_of_its_own_was_taken_from_one_with(
    case: str, tmp_path: Path
) -> None:
    made = image([below(), MOVED[case]])
    files = tuple(TracedFile(path=path, layer=1, size_bytes=3000, ranges=((0, 3000),)) for path in (HOT[1], HOT[0]))
    sizes = ("--min-layer-size", "0", "--span-size", "64KiB")
    done = relayout(made, tmp_path, "--own-layer", *sizes, "--json", files=files)
    assert done.exit_code == 0, done.output
    report = RelayoutReport.model_validate_json(done.stdout)
    assert report.proof == MOUNTED
    assert (report.layers[2].is_own, report.layers[2].files_first) == (True, 2)


def test_a_layer_of_its_own_holds_what_boot_reads_and_only_its_spans_are_listed(
    lab: TestRegistry, data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scattered()
    done = relayout(made, tmp_path, "--own-layer", "--json")
    assert done.exit_code == 0, done.output
    report = RelayoutReport.model_validate_json(done.stdout)
    small, large, top = report.layers
    assert (small.kept_because, large.new_spans_touched, top.is_own, top.files_first) == (NOT_LAZY, 0, True, 5)
    assert top.new_spans_touched == top.new_span_count
    assert report.proof == MOUNTED
    manifest, config = output(tmp_path)
    former = json.loads(made.configs[0])
    assert [it.digest for it in manifest.layers] == [it.new_digest for it in report.layers]
    assert config["config"] == former["config"]
    assert config.get("history", [])[: len(former.get("history", []))] == former.get("history", [])
    with pulled(lab, push(tmp_path / "out", report.output_digest, lab, "own"), monkeypatch) as host:
        assert host.layers.lazy() == 2
        assert snapshotter_log(host).count("Successfully loaded prefetch artifact") == 1


def test_a_layer_of_its_own_without_a_list_is_the_same_each_time(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        room = tmp_path / name
        room.mkdir()
        done = relayout(scattered(), room, "--own-layer", "--no-prefetch", "--json")
        assert done.exit_code == 0, done.output
        digests.append(RelayoutReport.model_validate_json(done.stdout).new_digest)
        blobs = (path.read_bytes() for path in (room / "out/blobs/sha256").iterdir() if path.stat().st_size < 9_000)
        assert not any(b"prefetch_spans" in blob for blob in blobs)
    assert digests[0] == digests[1]


KEPT: dict[str, tuple[Layer, str]] = {
    "a global header": (odd_layer(lambda tar: None, comment="of all"), "global PAX header"),
    "a name twice": (odd_layer(lambda tar: put(tar, "cold/a", b"again")), "two entries 'cold/a'"),
    "a whiteout of its own file": (odd_layer(lambda tar: put(tar, "cold/.wh.a")), "hides something of the same layer"),
    "a link to a lower layer": (
        odd_layer(lambda tar: put(tar, "linked", kind=tarfile.LNKTYPE, linkname="lib/base")),
        "has its target in another layer",
    ),
    "a name that climbs": (odd_layer(lambda tar: put(tar, "a/../../b", b"b")), "climbs out of its folder"),
}


@pytest.mark.parametrize("case", KEPT)
def test_a_layer_stays_as_it_is_because_of(case: str, tmp_path: Path) -> None:
    odd, reason = KEPT[case]
    done, made = laid_out(odd, tmp_path)
    if done.exit_code:  # soci cannot index it at all
        assert str(done.exception).startswith("SOCI cannot index layer")
        assert not (tmp_path / "out").exists()
        return
    report = RelayoutReport.model_validate_json(done.stdout)
    assert reason in (report.layers[1].kept_because or "")
    assert [it.digest for it in output(tmp_path)[0].layers] == [it.digest for it in made.layers]


@pytest.mark.parametrize("blind", [False, True])
def test_a_fault_of_the_reordering_is_noticed_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blind: bool
) -> None:
    """By the layers alone, and where that is blind, by what containerd mounts."""
    runs = layer.runs
    monkeypatch.setattr(layer, "runs", lambda records, order: runs(records, list(order)[:-1]))
    if blind:
        monkeypatch.setattr(proof, "differences", lambda one, other: [])
    done = relayout(scattered(), tmp_path)
    assert isinstance(done.exception, ImageError)
    assert "does not have the same file system: /app/" in str(done.exception)
    assert "missing in the new image" in str(done.exception)
    assert not (tmp_path / "out").exists()


def refusal(room: Path, made: FieldImage, *more: str, **trace: Any) -> str:
    """What the command says when it refuses the image with a changed trace; one line, and nothing is written."""
    made.write(room / "image")
    name = f"oci:{room / 'image'}"
    traced = trace_of(made, read_files(), name).model_copy(update=trace)
    (room / "trace.json").write_text(traced.model_dump_json())
    words = ["relayout", name, "--trace", str(room / "trace.json"), "--output", f"oci:{room / 'out'}", *more]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, SociometerError), done.exception
    assert "\n" not in str(done.exception)
    assert not (room / "out").exists()
    return str(done.exception)


def test_a_trace_of_another_image_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, scattered(), image="host/other:1", digest="sha256:" + "0" * 64)
    assert said.startswith("The trace is of host/other:1 (sha256:000")


def test_a_trace_of_an_older_digest_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, scattered(), digest="sha256:" + "0" * 64)
    assert f"is {scattered().digest} by now. Trace it again" in said


def test_a_trace_of_no_start_is_refused(tmp_path: Path) -> None:
    assert "names no file" in refusal(tmp_path, scattered(), files=())


def test_an_image_of_which_nothing_is_lazy_is_refused(tmp_path: Path) -> None:
    assert "no layer of 2 reaches min-layer-size" in refusal(tmp_path, scattered(), "--min-layer-size", "1GiB")


def test_a_boot_that_reads_nothing_of_the_lazy_layers_is_refused(tmp_path: Path) -> None:
    small = TracedFile(path="lib/base", layer=0, size_bytes=60_000, ranges=((0, 60_000),))
    assert "reads nothing of its 1 layers that are loaded lazily" in refusal(tmp_path, scattered(), files=(small,))


def test_an_image_of_zstd_layers_is_refused(tmp_path: Path) -> None:
    assert "SOCI can index none of the image's 2 layers" in refusal(tmp_path, field_images.all_zstd())


def test_a_zstd_layer_among_others_stays(tmp_path: Path) -> None:
    made = image([field_images.zstd_layer(Tar().file("zstd", noise("zstd", 200_000))), *scattered().layers[1:]])
    done = relayout(made, tmp_path, "--json")
    assert done.exit_code == 0, done.output
    zstd, large = RelayoutReport.model_validate_json(done.stdout).layers
    assert (zstd.new_digest, zstd.kept_because) == (made.layers[0].digest, NOT_LAZY)
    assert large.kept_because is None


def test_an_image_of_one_layer_is_laid_out(tmp_path: Path) -> None:
    made = image([scattered().layers[1]])
    files = tuple(file.model_copy(update={"layer": 0}) for file in read_files())
    done = relayout(made, tmp_path, "--json", files=files)
    assert done.exit_code == 0, done.output
    (only,) = RelayoutReport.model_validate_json(done.stdout).layers
    assert only.files_first == 5


def test_a_docker_image_becomes_an_oci_image(tmp_path: Path) -> None:
    docker = f"{field_images.DOCKER}.image.rootfs.diff.tar.gzip"
    layers = [Layer(it.blob, it.diff_id, docker) for it in scattered().layers]
    done = relayout(image(layers, docker=True), tmp_path)
    assert done.exit_code == 0, done.output
    manifest, _ = output(tmp_path)
    assert {it.media_type for it in manifest.layers} == {field_images.GZIP}
    assert manifest.config.media_type == f"{field_images.OCI}.config.v1+json"


def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("ten years")
    done = relayout(scattered(), tmp_path)
    assert "is not an empty folder" in str(done.exception)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "ten years"


def test_the_output_has_the_tag_that_was_asked_for(tmp_path: Path) -> None:
    done = relayout(scattered(), tmp_path, "--output", f"oci:{tmp_path / 'out'}:v2")
    assert done.exit_code == 0, done.output
    assert own.resolve(names.parse(f"oci:{tmp_path / 'out'}:v2"), PLATFORM).digest == output(tmp_path)[0].digest


def test_without_root_the_layers_alone_prove_it_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof.os, "geteuid", lambda: 1000)
    done = relayout(scattered(), tmp_path, "--json")
    assert done.exit_code == 0, done.output
    assert RelayoutReport.model_validate_json(done.stdout).proof == f"{FROM_LAYERS} (not mounted: that needs root)"


def test_images_of_registries_and_archives_are_read_as_well(lab: TestRegistry, tmp_path: Path) -> None:
    made = scattered()
    made.push(f"{lab.host}/web", "1")
    made.write(tmp_path / "folder", "1")
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        archive.add(tmp_path / "folder", ".")
    outputs = set()
    for number, name in enumerate((f"{lab.host}/web:1", f"oci-archive:{tmp_path / 'archive.tar'}:1")):
        (tmp_path / "trace.json").write_text(trace_of(made, read_files(), name).model_dump_json())
        target = tmp_path / f"out-{number}"
        words = ["relayout", name, "--trace", str(tmp_path / "trace.json"), "--output", f"oci:{target}"]
        done = CliRunner().invoke(app, [*words, "--keep-layers"])
        assert done.exit_code == 0, done.output
        outputs.add(layout.only_digest(target))
    assert len(outputs) == 1
