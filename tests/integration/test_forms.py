"""Forms made for real: registry, regctl, soci and containerd, and each failure provoked."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.oci import layout, publish, soci
from infra.oci.containerd import import_image, private_containerd
from infra.oci.forms import FormRequest, make
from infra.oci.index import read_index
from infra.oci.manifest import Manifest, Reference, normalized
from infra.oci.pushed import present, remove
from infra.oci.regctl import Access, Deadline, Regctl
from infra.oci.source import resolve
from infra.outputs import TreatmentOutput
from kit import child
from kit.errors import CommandError, CommandTimeout, ImageError, MachineError, RegistryUnreachable, SettingsError
from kit.toolchain.toolbox import tool
from tests.support.forms import FORMS, LAZY
from tests.support.images import MIB, SourceImage, push_image
from tests.support.no_mounts import without_mounts
from tests.support.registry import TestRegistry, free_port, registry

pytestmark = pytest.mark.lab
HTTP = Access(plain_http=True)
PASSWORD = "not-so-secret"  # noqa: S105
PASSWORD_HASH = "$2b$04$EJCs4NiXhKC2BC6l3jky8OA48Cm5R1UNeYY0L5rkJ4tOwK/uBQfqW"  # noqa: S105
"""bcrypt of the password, as the registry's htpasswd file wants it."""


@pytest.fixture(scope="module")
def lab() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture(scope="module")
def source(lab: TestRegistry) -> SourceImage:
    return push_image(f"{lab.host}/source", [24 * MIB, 12 * MIB, MIB])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("kit.scratch.cache_dir", lambda: tmp_path / "cache")  # the tools stay where they are
    return tmp_path / "cache"


def request(lab: TestRegistry, source: SourceImage, form: str, **changes: object) -> FormRequest:
    values = {"source": source.reference, "repository": f"{lab.host}/{form}", "form": form, "access": HTTP}
    return FormRequest(**{**values, **changes})  # type: ignore[arg-type]


def tags(lab: TestRegistry, repository: str) -> list[str]:
    return httpx.get(f"http://{lab.host}/v2/{repository}/tags/list").json().get("tags") or []


def manifests(lab: TestRegistry, repository: str) -> set[str]:
    """Every manifest that the registry still links in a repository, read from its storage."""
    links = (lab.storage / "docker/registry/v2/repositories" / repository / "_manifests/revisions/sha256").glob(
        "*/link"
    )
    return {link.read_text() for link in links}


def rooms(cache: Path) -> list[Path]:
    return [path for path in (cache / "scratch").glob("*") if path.is_dir()]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_made_found_made_again_without_pushing_and_removed(
    lab: TestRegistry, source: SourceImage, cache: Path, form: str
) -> None:
    asked = request(lab, source, form)
    made = make(asked, timeout_seconds=120)
    treatment = TreatmentOutput.model_validate(made.treatment())
    assert present(made.pushed, HTTP)
    assert {ztoc.layer_digest for ztoc in treatment.ztocs} == (set(source.layers[:2]) if form in LAZY else set())
    again = make(asked, timeout_seconds=120)
    assert (again.pushed, again.pushed_bytes) == (made.pushed, 0)
    remove(made.pushed, HTTP)
    assert not present(made.pushed, HTTP)
    assert manifests(lab, form) == set()
    assert tags(lab, form) == []
    remove(made.pushed, HTTP)
    assert rooms(cache) == []


@pytest.mark.parametrize("form", LAZY)
def test_the_index_says_what_it_covers(lab: TestRegistry, source: SourceImage, form: str) -> None:
    made = make(request(lab, source, form, span_bytes=MIB), timeout_seconds=120)
    index = read_index(made.image, HTTP)
    assert index is not None
    assert index.digest == made.pushed.index_digest
    assert index.version == {"soci-v1": 1, "soci-v2": 2}[form]
    assert [layer.layer_digest for layer in index.layers] == list(source.layers[:2])
    assert index.unindexed_layers == source.layers[2:]
    assert [layer.info.span_count for layer in index.layers] == pytest.approx([24, 12], abs=1)
    assert all(layer.info.file_count == 1 and layer.span_bytes == MIB for layer in index.layers)
    assert made.skipped_layers[0].digest == source.layers[2]
    assert "is less than min-layer-size" in made.skipped_layers[0].reason
    remove(made.pushed, HTTP)


def test_span_count_is_what_the_soci_tool_says(lab: TestRegistry, source: SourceImage, tmp_path: Path) -> None:
    made = make(request(lab, source, "soci-v1"), timeout_seconds=120)
    index = read_index(made.image, HTTP)
    assert index is not None
    regctl = Regctl(HTTP, Deadline(60))
    regctl.export(Reference.parse(made.image), tmp_path / "image.tar")
    options = soci.IndexOptions(4 * MIB, 10 * MIB, "linux/amd64")
    with private_containerd(tmp_path) as socket:
        import_image(tmp_path / "image.tar", f"{lab.host}/soci-v1", socket, Deadline(60))
        soci.create(made.image, socket, tmp_path / "soci", options, Deadline(60))
        words = [str(tool("soci")), "--address", str(socket), "--root", str(tmp_path / "soci"), "ztoc", "info"]
        said = [
            json.loads(subprocess.run([*words, layer.ztoc_digest], capture_output=True, check=True).stdout)
            for layer in index.layers
        ]
    assert [info["num_spans"] for info in said] == [layer.info.span_count for layer in index.layers]
    assert [info["num_files"] for info in said] == [layer.info.file_count for layer in index.layers]
    remove(made.pushed, HTTP)


def test_plain_has_no_index(lab: TestRegistry, source: SourceImage) -> None:
    made = make(request(lab, source, "plain"), timeout_seconds=60)
    assert read_index(made.image, HTTP) is None


def test_no_layer_is_uploaded_again(lab: TestRegistry, source: SourceImage) -> None:
    made = make(request(lab, source, "soci-v2", repository=f"{lab.host}/small-push"), timeout_seconds=60)
    assert made.pushed_bytes < MIB


@pytest.mark.parametrize("form", FORMS)
def test_what_a_registry_does_not_mount_is_uploaded_and_counted(
    lab: TestRegistry, source: SourceImage, form: str
) -> None:
    """As in ECR, where blob mounting is off unless the account switches it on."""
    with without_mounts(lab.host) as host:
        named = source.reference.replace(lab.host, host)
        asked = FormRequest(named, f"{host}/unmounted-{form}", form, access=HTTP)
        made = make(asked, timeout_seconds=120)
        assert present(made.pushed, HTTP)
        assert 37 * MIB < made.pushed_bytes < 39 * MIB
        assert make(asked, timeout_seconds=120).pushed_bytes == 0


def test_a_docker_image_becomes_what_regctl_makes_of_it(lab: TestRegistry, source: SourceImage) -> None:
    docker = push_image(f"{lab.host}/docker", [24 * MIB, 12 * MIB, MIB], flavor="docker-v2")
    words = [
        str(tool("regctl")),
        "--host",
        f"reg={lab.host},tls=disabled",
        "image",
        "mod",
        docker.reference,
        "--to-oci",
    ]
    target = f"{lab.host}/modified:oci"
    subprocess.run([*words, "--create", target], check=True, capture_output=True)
    expected = httpx.head(
        f"http://{lab.host}/v2/modified/manifests/oci", headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}
    ).headers["docker-content-digest"]
    original = Regctl(HTTP, Deadline(60)).manifest(Reference.parse(docker.reference))
    assert isinstance(original, Manifest)
    assert normalized(original).digest == expected == source.digest
    made = make(request(lab, docker, "soci-v2", repository=f"{lab.host}/from-docker"), timeout_seconds=60)
    assert {ztoc.layer_digest for ztoc in made.ztocs} == set(docker.layers[:2])


def test_an_image_in_another_registry_is_carried_over(source: SourceImage) -> None:
    with registry() as other:
        for form in ("plain", "soci-v2"):
            made = make(request(other, source, form), timeout_seconds=60)
            assert present(made.pushed, HTTP)
            assert made.pushed_bytes > 36 * MIB


@pytest.mark.parametrize("form", FORMS)
def test_credentials_come_from_the_docker_configuration_and_are_on_no_command_line(tmp_path: Path, form: str) -> None:
    (tmp_path / "htpasswd").write_text(f"user:{PASSWORD_HASH}\n")
    auth_file = tmp_path / "config.json"
    with registry(htpasswd=tmp_path / "htpasswd") as guarded:
        token = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        auth_file.write_text(json.dumps({"auths": {guarded.host: {"auth": token}}}))
        image = push_image(f"{guarded.host}/source", [12 * MIB, MIB], docker_config=tmp_path)
        asked = request(guarded, image, form, access=Access(plain_http=True, auth_file=auth_file))
        with command_lines() as seen:
            made = make(asked, timeout_seconds=60)
        assert present(made.pushed, asked.access)
        with pytest.raises(ImageError, match="wants a login"):
            present(made.pushed, Access(plain_http=True, auth_file=_empty_configuration(tmp_path / "empty")))
    assert any("regctl" in line for line in seen)
    assert not [line for line in seen if PASSWORD in line or token in line]


def _empty_configuration(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder / "config.json"


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Every command line on this machine that a poll of /proc sees while the block runs."""
    over, seen = threading.Event(), set[str]()

    def look() -> None:
        while not over.is_set():
            for folder in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    seen.add((folder / "cmdline").read_text(errors="replace"))
            time.sleep(0.005)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("form", LAZY)
def test_layers_that_are_all_too_small_are_refused_before_a_push(
    lab: TestRegistry, source: SourceImage, form: str
) -> None:
    asked = request(lab, source, form, repository=f"{lab.host}/too-small", min_layer_bytes=100 * MIB)
    with pytest.raises(ImageError, match=r"no layer of 3 reaches min-layer-size 104857600; the largest is 251\d+"):
        make(asked, timeout_seconds=60)
    assert manifests(lab, "too-small") == set()


def test_a_zstd_image_can_be_delivered_plain(lab: TestRegistry) -> None:
    zstd = push_image(f"{lab.host}/zstd", [12 * MIB], flavor="zstd")
    made = make(request(lab, zstd, "plain", repository=f"{lab.host}/plain-zstd"), timeout_seconds=60)
    assert made.image.endswith(zstd.digest)


def test_another_platform_is_named(lab: TestRegistry) -> None:
    arm = push_image(f"{lab.host}/arm", [12 * MIB], architecture="arm64")
    with pytest.raises(ImageError, match=r"is for linux/arm64, not for linux/amd64"):
        make(request(lab, arm, "soci-v2"), timeout_seconds=60)
    made = make(
        request(lab, arm, "soci-v2", repository=f"{lab.host}/arm-v2", platform="linux/arm64"), timeout_seconds=60
    )
    assert len(made.ztocs) == 1


def test_a_reference_that_does_not_exist_is_named(lab: TestRegistry, source: SourceImage) -> None:
    missing = f"{lab.host}/nowhere@sha256:{'0' * 64}"
    with pytest.raises(ImageError, match=r"nowhere@sha256:0+ does not exist"):
        make(FormRequest(missing, f"{lab.host}/plain", "plain", access=HTTP), timeout_seconds=60)


def test_a_registry_that_does_not_answer_is_told_apart_from_a_missing_image(source: SourceImage) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    asked = FormRequest(f"{nobody}/a@{source.digest}", f"{nobody}/b", "plain", access=HTTP)
    with pytest.raises(RegistryUnreachable, match=nobody):
        make(asked, timeout_seconds=30)


@pytest.mark.parametrize("damage", ["corrupt", "cut", "missing"])
@pytest.mark.parametrize("form", LAZY)
def test_a_damaged_layer_is_named_and_nothing_is_left(cache: Path, form: str, damage: str) -> None:
    with registry() as own:
        image = push_image(f"{own.host}/source", [12 * MIB, MIB])
        blob = own.blob_path(image.layers[0])
        content = blob.read_bytes()
        if damage == "missing":
            blob.unlink()
        else:
            blob.write_bytes(content[:1000] + (b"x" + content[1001:] if damage == "corrupt" else b""))
        with pytest.raises(ImageError, match=image.layers[0]):
            make(request(own, image, form), timeout_seconds=60)
        assert manifests(own, form) == set()
        assert rooms(cache) == []


@contextmanager
def soci_gets(number: signal.Signals) -> Iterator[None]:
    """Send a signal to each soci as soon as it is started: SIGSTOP hangs it, SIGKILL crashes it."""
    start = child.start

    def struck(words: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
        process = start(words, **options)
        if any(Path(word).name == "soci" for word in words):
            process.send_signal(number)
        return process

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "start", struck)
        yield


@pytest.mark.parametrize("form", LAZY)
@pytest.mark.parametrize(("number", "error"), [(signal.SIGSTOP, CommandTimeout), (signal.SIGKILL, CommandError)])
def test_soci_that_hangs_or_crashes_leaves_nothing(
    lab: TestRegistry, source: SourceImage, cache: Path, form: str, number: signal.Signals, error: type[CommandError]
) -> None:
    repository = f"half-{number.name.lower()}-{form}"
    with soci_gets(number), pytest.raises(error, match="soci"):
        make(request(lab, source, form, repository=f"{lab.host}/{repository}"), timeout_seconds=15)
    assert manifests(lab, repository) == set()
    assert rooms(cache) == []


def test_soci_that_waits_for_a_locked_database_is_ended(tmp_path: Path) -> None:
    root = tmp_path / "soci"
    root.mkdir()
    with (root / "artifacts.db").open("wb") as database, private_containerd(tmp_path) as socket:
        fcntl.flock(database, fcntl.LOCK_EX)
        options = soci.IndexOptions(4 * MIB, 10 * MIB, "linux/amd64")
        began = time.monotonic()
        with pytest.raises(CommandError, match="soci"):
            soci.create("127.0.0.1:1/a@sha256:" + "0" * 64, socket, root, options, Deadline(3))
        assert time.monotonic() - began < 10


def test_a_destination_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("ten years")
    options = soci.IndexOptions(4 * MIB, 10 * MIB, "linux/amd64")
    with pytest.raises(ImageError, match="not an empty folder"):
        soci.convert(tmp_path / "in", precious, options, Deadline(10))
    assert (precious / "thesis.txt").read_text() == "ten years"


@pytest.mark.parametrize("form", LAZY)
def test_a_full_disk_is_named_with_the_needed_size(
    tmp_path: Path, lab: TestRegistry, source: SourceImage, form: str
) -> None:
    disk = tmp_path / "cache"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "small", disk], check=True)
    try:
        with pytest.raises(MachineError, match=r"needs 0\.\d GiB \(\d+ bytes\) of disk space"):
            make(request(lab, source, form, repository=f"{lab.host}/full"), timeout_seconds=60)
    finally:
        subprocess.run(["umount", disk], check=True)
    assert manifests(lab, "full") == set()


def test_what_others_have_claimed_counts_as_taken(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "room").mkdir(parents=True)
    free = shutil.disk_usage(tmp_path).free
    layout.reserve(tmp_path / "one" / "room", free // 2)
    with pytest.raises(MachineError, match="beside what is under way"):
        layout.reserve(tmp_path / "two" / "room", free * 3 // 4)


def test_a_push_that_fails_half_way_is_undone(lab: TestRegistry, source: SourceImage) -> None:
    regctl = Regctl(HTTP, Deadline(60))
    original = regctl.manifest(Reference.parse(source.reference))
    assert isinstance(original, Manifest)
    image = Reference(f"{lab.host}/undone", source.digest)
    with pytest.raises(KeyboardInterrupt), publish.undone_on_failure(regctl, image.repository, [image.digest]):
        publish.place(regctl, resolve(regctl, source.reference, "linux/amd64"), image.repository)
        assert manifests(lab, "undone") == {source.digest}
        raise KeyboardInterrupt
    assert manifests(lab, "undone") == set()


def test_the_source_repository_is_not_the_forms_own(lab: TestRegistry, source: SourceImage) -> None:
    with pytest.raises(SettingsError, match="repository of its own"):
        request(lab, source, "plain", repository=f"{lab.host}/source")


@pytest.mark.parametrize("form", LAZY)
def test_a_part_that_was_deleted_is_noticed(lab: TestRegistry, source: SourceImage, form: str) -> None:
    made = make(request(lab, source, form, repository=f"{lab.host}/partly-{form}"), timeout_seconds=60)
    assert made.pushed.index_digest is not None
    index = Reference(f"{lab.host}/partly-{form}", made.pushed.index_digest)
    Regctl(HTTP, Deadline(60)).delete_referrer(index, Reference.parse(made.image))
    assert not present(made.pushed, HTTP)


@pytest.mark.parametrize("form", LAZY)
def test_a_ztoc_that_the_registry_lost_is_noticed_and_made_again(
    lab: TestRegistry, source: SourceImage, form: str
) -> None:
    asked = request(lab, source, form, repository=f"{lab.host}/lost-{form}", span_bytes=2 * MIB)
    made = make(asked, timeout_seconds=60)
    lab.blob_path(made.ztocs[0].digest).unlink()
    assert not present(made.pushed, HTTP)
    assert make(asked, timeout_seconds=60).pushed == made.pushed
    assert present(made.pushed, HTTP)
    assert read_index(made.image, HTTP) is not None


def test_what_is_kept_is_not_removed(lab: TestRegistry, source: SourceImage) -> None:
    small = make(request(lab, source, "soci-v1", repository=f"{lab.host}/kept"), timeout_seconds=60)
    large = make(request(lab, source, "soci-v1", repository=f"{lab.host}/kept", span_bytes=8 * MIB), timeout_seconds=60)
    assert small.image == large.image
    remove(small.pushed, HTTP, keep=large.pushed)
    assert present(large.pushed, HTTP)
    index = read_index(large.image, HTTP)
    assert index is not None
    assert index.digest == large.pushed.index_digest
