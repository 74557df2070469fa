"""What tools print and leave: soci, ctr, the snapshotter's log, Pulumi, regctl, configurations and notes in files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.hostile.documents import maker
from benchmarks.hostile.of_documents import DIGESTS
from benchmarks.hostile.parser import Parser, new_folder, text_of, texts
from infra.automation import events, lock
from infra.lab import fuse_log, reasons, rootfs, snapshotter_log
from infra.lab.container_log import ContainerLog
from infra.oci import ecr, index, layout, regctl, soci
from infra.oci.manifest import listed
from kit.command import Completed
from kit.errors import LabError, SociometerError
from kit.toolchain import programs, toolbox
from kit.toolchain.pins import TOOLS

_SOCI = (
    f"ztoc skipped - layer {DIGESTS[0]} (application/x) size 5 is less than min-layer-size 10\n{DIGESTS[1]}\n",
    'time="2027-01-01T00:00:00Z" level=fatal msg="soci: errors encountered while building soci layers; \\"x\\": bad"\n',
    "time=2027 level=error msg=short\n",
)
_CTR = (
    'time="2027" level=error msg="x"\nctr: failed to create shim task: OCI runtime create failed: '
    'runc create failed: unable to start container process: exec: "/bin/x": stat /bin/x: no such file or directory',
    f"ctr: failed to extract layer ({DIGESTS[0]}) {DIGESTS[1]}: mount /tmp/containerd/tmpmounts/1/x: "
    "archive/tar: invalid tar header",
    "exec /bin/sh: exec format error",
)  # fmt: skip
_LOG = "\n".join(
    json.dumps(line)
    for line in (
        {"level": "warning", "remote-snapshot-prepared": "false",
         "error": f'failed to resolve layer "{DIGESTS[0]}" from "r": cannot get ztoc; skip lazy-loading this layer: x'},
        {"msg": "preparing snapshot as local snapshot", "layerDigest": DIGESTS[0]},
        {"msg": f"Loading prefetch artifact {DIGESTS[1]}"},
        {"msg": "FUSE operation", "operation": "node.Open", "path": "usr/bin/x",
        "time": "2027-01-01T00:00:00.123456789Z"},
        {"msg": "FUSE operation", "operation": "file.Read", "path": "usr/bin/x", "time": "2027-01-01T00:00:00.1+02:00"},
        {"msg": "preparing snapshot with parallel pull/unpack", "layerDigest": DIGESTS[2]},
    )
)  # fmt: skip
_PULUMI = (
    "error: the stack is currently locked by 1 lock(s).\n  created by me@host (pid 77) at 2027-01-01T00:00:00Z\n",
    "Diagnostics:\n error: kit.errors.ImageError: layer <{%reset%}> is bad\n error: update failed\n",
    "error: Could not automatically download and install resource plugin 'pulumi-resource-aws' at version v7, x\n",
    "AccessDenied: user is not authorized to perform\n",
)
_USERS = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/srv:/bin/sh\n+\n"
_REFERRERS = [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": DIGESTS[0], "size": 5}]


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("soci-output", "soci", texts(_SOCI, ("ztoc skipped - layer ", "msg=", '"', "\\", "\n")), _soci)
    yield Parser(
        "ctr-output", "ctr, containerd, runc", texts(_CTR, ("exec: ", '"', ": ", "failed to extract layer ")), _ctr
    )
    yield Parser("snapshotter-log", "soci-snapshotter-grpc", _lines(), _snapshotter)
    yield Parser("fuse-log", "soci-snapshotter-grpc", _lines(), lambda it: list(fuse_log.accesses(text_of(it))))
    yield Parser("pulumi-output", "pulumi", texts(_PULUMI, ("error: ", "created by ", "(pid ", "<{%", "%}>")), _pulumi)
    yield Parser(
        "pulumi-lock", "a lock file", maker([{"username": "a", "hostname": "b", "pid": 7, "timestamp": "c"}]), _lock
    )
    yield Parser(
        "regctl-output", "regctl", texts(("x [http 404]\n", "digest mismatch", "1 2"), ("[http 401]", "\n")), _regctl
    )
    yield Parser("referrers", "regctl artifact list", maker([_REFERRERS]), _referrers)
    docker = {"auths": {"a": {"auth": "b"}}, "credHelpers": {"c": "d"}, "credsStore": "e"}
    yield Parser("docker-config", "~/.docker/config.json", maker([docker]), _docker_config)
    spans = {"version": "1.0", "prefetch_spans": [{"start_span": 0, "end_span": 3}]}
    yield Parser("prefetch-artifact", "a SOCI index", maker([spans]), _spans)
    yield Parser("layout-index", "what soci, regctl and BuildKit leave", maker([_index()]), _only_digest)
    yield Parser(
        "container-log", "what a container prints", texts(("ready in 7 ms\n", "\r\x1b[2K"), ("ready",)), _container_log
    )
    yield Parser("passwd", "an image's /etc/passwd and group", texts((_USERS,), (":", "\n", "web", "x:")), _passwd)
    links = (
        "etc ../../..\npasswd /etc/shadow\n",
        "etc usr/etc\nusr /usr\n",
        "a b\nb a\netc a\n",
        "etc .\npasswd passwd\n",
    )
    yield Parser(
        "image-links", "an image's links", texts(links, ("../", "/", "etc", "passwd ", "\n", "a" * 300)), _links
    )
    manifest = {"sizes": {"regctl": 1}, "version": "v0.11.7"}
    yield Parser("tool-manifest", "the tools' cache", maker([manifest]), _tool_manifest)
    yield Parser("tool-answers", "the tools' cache", maker([{"/bin/x": [1, 2, 1, 2, 3]}]), _answers)


def _lines():  # type: ignore[no-untyped-def]
    whole = texts((_LOG,), ("{", "}", '"', "\n", '"time":'))
    trees = [maker([json.loads(line)]) for line in _LOG.splitlines()]

    def make(random):  # type: ignore[no-untyped-def]
        if random.random() < 0.4:
            return whole(random)
        return b"\n".join(random.choice(trees)(random) for _ in range(random.randrange(1, 5)))

    return make


def _index() -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": DIGESTS[0], "size": 5}],
    }


def _soci(content: bytes) -> None:
    text = text_of(content)
    assert all(len(digest) == 71 for digest in soci.skipped_layers(text))
    soci._cause(Completed(("soci",), 1, text, "", 0.0))


def _ctr(content: bytes) -> None:
    text = text_of(content)
    for reason_of in (reasons.of_start, reasons.of_pull, reasons.unknown):
        reason, _ = reason_of(text)
        str(LabError(reason))


def _snapshotter(content: bytes) -> None:
    text = text_of(content)
    snapshotter_log.told(snapshotter_log.fallen_back(text))
    found = snapshotter_log.loading(text)
    assert found.prefetched >= 0


def _pulumi(content: bytes) -> None:
    text = text_of(content)
    lock.told(text)
    said = events.Events()
    for severity in ("error", "info#err", "warning"):
        said._diagnose(severity, text)
    raise_ = events.cause("lab", text, said.errors)
    assert isinstance(raise_, SociometerError) and str(raise_)


def _lock(content: bytes) -> None:
    folder = Path("state/.pulumi/locks/organization/sociometer/lab")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.json").write_bytes(content)
    held = lock.held("lab", f"file://{Path.cwd()}/state")
    if held is not None:
        held.message("lab")


def _regctl(content: bytes) -> None:
    regctl._found(
        Completed(("regctl", "manifest", "get", "a/b"), len(content) % 2, "", text_of(content), 0.0), "It is not there"
    )


def _referrers(content: bytes) -> None:
    for entry in listed(text_of(content), "x", "The list"):
        assert entry.digest.startswith("sha256:") and entry.size_bytes >= 0


def _docker_config(content: bytes) -> None:
    folder = Path("docker")
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_bytes(content)
    config = ecr._configuration(None)
    assert isinstance(config.get("auths") or {}, dict) and isinstance(config.get("credHelpers") or {}, dict)
    json.dumps(config)


def _spans(content: bytes) -> None:
    assert index._spans(content) >= 0


def _only_digest(content: bytes) -> None:
    Path("layout").mkdir(exist_ok=True)
    Path("layout/index.json").write_bytes(content)
    digest = layout.only_digest(Path("layout"))
    assert layout.blob_path(Path("layout"), digest).parent.parent == Path("layout/blobs")


def _container_log(content: bytes) -> None:
    Path("log").write_bytes(content)
    log = ContainerLog(Path("log"))
    log.look("ready in [0-9]+")
    str(LabError(log.last_words()))


def _passwd(content: bytes) -> None:
    Path("root/etc").mkdir(parents=True, exist_ok=True)
    Path("root/etc/passwd").write_bytes(content)
    Path("root/etc/group").write_bytes(content)
    for name in ("", "web", "1000", "web:web", "0:7"):
        found = rootfs.user(Path("root"), name)
        assert 0 <= found.uid < 1 << 32 and 0 <= found.gid < 1 << 32


def _links(content: bytes) -> None:
    """Whatever links the image has, its files lie in it."""
    root = new_folder("links") / "root"
    root.mkdir()
    for line in text_of(content).split("\n"):
        name, _, target = line.replace("\0", "").replace("/", "|", 1 if line.startswith("/") else 0).partition(" ")
        with suppress(OSError):
            (root / os.path.basename(name)).symlink_to(target)
    found = rootfs.inside(root, "/etc/passwd")
    assert root in (found, *found.parents) and ".." not in found.parts
    assert not any(each.is_symlink() for each in (found, *found.parents[:-1]) if root in each.parents)


def _tool_manifest(content: bytes) -> None:
    folder = Path("cache") / TOOLS[0].key
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_bytes(content)
    toolbox.in_cache(TOOLS[0], Path("cache"))


def _answers(content: bytes) -> None:
    Path("answers.json").write_bytes(content)
    programs._read(Path("answers.json"))
