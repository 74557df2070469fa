"""The workload images, built offline for both architectures, and this machine's one booted for real with runc."""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import boot_report
from infra.lab.sandbox import Sandbox
from infra.oci.buildkit import BuildRequest, ImageInLayout, build
from infra.settings.model import machine_platform
from infra.sources import base, hasher
from infra.sources.payloads import PayloadSpec, prepare
from kit.command import run
from kit.paths import asset, cache_dir
from kit.toolchain.toolbox import tool
from tests.support.background import answering

pytestmark = pytest.mark.lab
HERE = machine_platform().removeprefix("linux/")
THERE = {"amd64": "arm64", "arm64": "amd64"}[HERE]
SPEC = PayloadSpec(seed=5, movie_megabytes=12, parquet_test_megabytes=2, parquet_train_megabytes=3)
TASK_ARN = "arn:aws:ecs:lab:000000000000:task/test/0123456789abcdef"
TASK = {
    "TaskARN": TASK_ARN,
    "ClockDrift": {"ClockErrorBound": 0.25, "ClockSynchronizationStatus": "SYNCHRONIZED"},
    "Containers": [{"DockerId": "abc", "Snapshotter": "soci"}],
}
DOCKER_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"]
WAIT_SECONDS = 30.0


def build_image(variant: str, architecture: str, destination: Path) -> ImageInLayout:
    request = BuildRequest(
        context=asset("images"),
        dockerfile=f"{variant}/Dockerfile",
        platform=f"linux/{architecture}",
        folders={"payload": payload(variant), "hasher": hasher.build(architecture, cache_dir())},
        images={"base": base.prepare(base.resolve("debian", f"linux/{architecture}"))},
    )
    return build(request, destination)


def payload(variant: str) -> Path:
    return prepare(variant, SPEC, cache_dir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def movie(folder: Path) -> ImageInLayout:
    return build_image("movie", HERE, folder / "movie")


@pytest.fixture(scope="module")
def parquet(folder: Path) -> ImageInLayout:
    return build_image("parquet", HERE, folder / "parquet")


@pytest.fixture(scope="module")
def parquet_elsewhere(folder: Path) -> ImageInLayout:
    return build_image("parquet", THERE, folder / "parquet-elsewhere")


def blob(image: ImageInLayout, digest: str) -> Path:
    return image.layout / "blobs" / digest.replace(":", "/")


def document(image: ImageInLayout, digest: str) -> Any:
    return json.loads(blob(image, digest).read_text())


def layer_paths(image: ImageInLayout) -> list[Path]:
    return [blob(image, layer["digest"]) for layer in document(image, image.digest)["layers"]]


def files_above_base(image: ImageInLayout) -> list[list[str]]:
    """The names of the regular files of each layer but the base's one."""
    found = []
    for path in layer_paths(image)[1:]:
        with tarfile.open(path) as layer:
            found.append([entry.name for entry in layer if entry.isreg()])
    return found


PARQUET_NAMES = ["test", "train-0", "train-1", "train-2"]
OWN_FILES = [
    ["usr/local/bin/hasher"],
    ["etc/group", "etc/passwd", "etc/sociometer/nginx.conf", "usr/local/bin/boot"],
]


def test_movie_lies_in_one_layer_of_its_own(movie: ImageInLayout) -> None:
    assert files_above_base(movie) == [[], ["srv/www/payload/movie.mov"], *OWN_FILES]


def test_each_parquet_file_and_each_stat_output_has_a_layer_of_its_own(parquet: ImageInLayout) -> None:
    expected = [[f"srv/www/payload/{name}.parquet{end}"] for name in PARQUET_NAMES for end in ("", ".stat")]
    assert files_above_base(parquet) == [[], *expected, *OWN_FILES]


def test_everybody_may_read_and_nobody_but_root_may_write(movie: ImageInLayout, parquet: ImageInLayout) -> None:
    for path in [*layer_paths(movie)[1:], *layer_paths(parquet)[1:]]:
        with tarfile.open(path) as layer:
            for entry in layer:
                executable = entry.isdir() or entry.name.startswith("usr/local/bin/")
                assert (entry.uid, entry.gid, entry.mtime) == (0, 0, 0), entry.name
                assert entry.mode & 0o7777 == (0o755 if executable else 0o644), entry.name


def test_image_for_another_architecture_differs_in_base_and_hasher_only(
    parquet: ImageInLayout, parquet_elsewhere: ImageInLayout
) -> None:
    config = document(parquet_elsewhere, document(parquet_elsewhere, parquet_elsewhere.digest)["config"]["digest"])
    assert (config["os"], config["architecture"]) == ("linux", THERE)
    pairs = zip(layer_paths(parquet), layer_paths(parquet_elsewhere), strict=True)
    different = [number for number, (here, there) in enumerate(pairs) if here.name != there.name]
    assert different == [0, 10]


def test_another_build_gives_the_same_digest(movie: ImageInLayout, tmp_path: Path) -> None:
    assert build_image("movie", HERE, tmp_path / "again").digest == movie.digest


@dataclass
class Container:
    """A container that runs in a sandbox with a metadata endpoint."""

    sandbox: Sandbox
    process: subprocess.Popen[bytes]
    output: Path
    served: list[str] = field(default_factory=list)

    def get(self, path: str) -> httpx.Response:
        """Ask the container's web server, waiting until it accepts connections."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                with self.sandbox.network():
                    return httpx.get(f"http://127.0.0.1{path}", trust_env=False)
            except httpx.ConnectError:
                assert self.process.poll() is None, self.output.read_text()
                assert time.monotonic() < deadline, "the web server does not come up"
                time.sleep(0.02)

    def await_report(self) -> httpx.Response:
        """The boot report, as soon as it is there."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (answer := self.get("/boot.json")).status_code == 404:
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)
        return answer


@contextmanager
def container(image: ImageInLayout, bundle: Path, **changed_environment: str) -> Iterator[Container]:
    """Boot an image as a Fargate task would, as far as the image can see it."""
    write_bundle(image, bundle, changed_environment)
    sandbox = Sandbox.open()
    try:
        sandbox.batch("ip", "link set lo up")
        with metadata_endpoint(sandbox):
            log = bundle / "output"
            command: list[str | Path] = [tool("runc"), "--root", bundle / "state", "run", "--bundle", bundle, "booted"]
            yield Container(sandbox, sandbox.spawn("runc", command, log).process, log)
    finally:
        sandbox.close()


def write_bundle(image: ImageInLayout, bundle: Path, changed_environment: dict[str, str]) -> None:
    root = bundle / "rootfs"
    for path in layer_paths(image):
        with tarfile.open(path) as layer:
            layer.extractall(root, filter="tar")
    run([tool("runc"), "spec", "--bundle", bundle], timeout_seconds=10)
    image_config = document(image, document(image, image.digest)["config"]["digest"])["config"]
    environment = dict(line.split("=", 1) for line in image_config["Env"])
    environment |= {"ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:8080/v4/abc", **changed_environment}
    config = json.loads((bundle / "config.json").read_text())
    config["process"] |= {
        "terminal": False,
        "args": image_config["Entrypoint"] + (image_config.get("Cmd") or []),
        "cwd": image_config["WorkingDir"],
        "env": [f"{name}={value}" for name, value in environment.items()],
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), DOCKER_CAPABILITIES),
    }
    config["root"]["readonly"] = False
    spaces = config["linux"]["namespaces"]
    config["linux"]["namespaces"] = [space for space in spaces if space["type"] != "network"]  # the sandbox's
    (bundle / "config.json").write_text(json.dumps(config))


@contextmanager
def metadata_endpoint(sandbox: Sandbox) -> Iterator[None]:
    with sandbox.network():
        server = ThreadingHTTPServer(("127.0.0.1", 8080), MetadataHandler)
    with answering(server):
        yield


class MetadataHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {"/v4/abc": {"DockerId": "abc"}, "/v4/abc/task": TASK}
        answer = answers.get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        return


def test_movie_boots_and_reports_every_file(movie: ImageInLayout, tmp_path: Path) -> None:
    with container(movie, tmp_path) as booted:
        health = booted.get("/")
        answer = booted.await_report()
        hashes, status = booted.get("/hashes.txt"), booted.get("/status")
        output = booted.output.read_text()
    report = boot_report.parse(answer.content, TASK_ARN)
    expected = hashed("movie", "movie.mov")
    assert (health.status_code, health.text) == (200, "ok\n")
    assert (report.variant, report.snapshotter, report.clock_error_bound_ms) == ("movie", "soci", 0.25)
    assert [json.loads(answer.text)["files"]] == [[expected]]
    assert answer.text in output.splitlines(keepends=True)
    assert status.json() == TASK
    assert {answer.headers["content-type"], status.headers["content-type"]} == {"application/json"}
    assert f"SHA512 (/srv/www/payload/movie.mov) = {expected['sha512']}\n" in hashes.text
    assert f"Task: {TASK_ARN}\nFinished: 20" in hashes.text


def hashed(variant: str, name: str) -> dict[str, object]:
    program = hasher.build(HERE, cache_dir()) / "hasher"
    done = run([program, "--json", payload(variant) / name], timeout_seconds=60)
    found: dict[str, object] = json.loads(done.stdout)["files"][0]
    return found | {"path": f"/srv/www/payload/{name}"}


def test_parquet_boot_reads_the_test_file_only(parquet: ImageInLayout, tmp_path: Path) -> None:
    with container(parquet, tmp_path) as booted:
        report = booted.await_report().json()
    assert report["files"] == [hashed("parquet", "test.parquet")]
    assert report["variant"] == "parquet"


def test_payload_is_not_served(parquet: ImageInLayout, tmp_path: Path) -> None:
    with container(parquet, tmp_path) as booted:
        booted.await_report()
        codes = {booted.get(f"/{path}").status_code for path in ("payload/test.parquet", "payload/", "etc/passwd")}
    assert codes <= {400, 404}


def test_failed_boot_says_why_and_ends_the_container(movie: ImageInLayout, tmp_path: Path) -> None:
    with container(movie, tmp_path, WORKLOAD_FILES="/srv/www/payload/none.mov") as booted:
        booted.process.wait(WAIT_SECONDS)
        output = booted.output.read_text()
    assert '{"error":"/srv/www/payload/none.mov: no such file or directory"}\n' in output
    assert not (tmp_path / "rootfs/srv/www/boot.json").exists()


def test_task_without_metadata_endpoint_boots_as_unknown(parquet: ImageInLayout, tmp_path: Path) -> None:
    with container(parquet, tmp_path, ECS_CONTAINER_METADATA_URI_V4="") as booted:
        report, status = booted.await_report().json(), booted.get("/status")
    assert (report["task_arn"], report["snapshotter"], report["clock_error_bound_ms"]) == ("unknown", None, None)
    assert status.json() == {}


def test_stop_signal_ends_the_container_in_order(movie: ImageInLayout, tmp_path: Path) -> None:
    config = document(movie, document(movie, movie.digest)["config"]["digest"])["config"]
    with container(movie, tmp_path) as booted:
        booted.await_report()
        kill = [tool("runc"), "--root", tmp_path / "state", "kill", "booted", config["StopSignal"]]
        booted.sandbox.run(kill, timeout_seconds=10)
        assert booted.process.wait(WAIT_SECONDS) == 0
