"""Inputs that once ended with a traceback, a hang or a line that told nothing: the smallest that the campaign found."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz
from benchmarks.hostile import documents, images, of_documents, of_layers, tars, trial

PARSERS = fuzz.all_parsers()
DEEP = b'{"a":' * 60_000
DIGITS = b"9" * 5000
LAUGHS = "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
).encode()  # fmt: skip
PAX = b"path=a\n"
LATER = tars.record(b"path=b") + tars.record(b"mtime=1.5")
SPARSE = [tars.record(b"GNU.sparse." + word) for word in (b"major=1", b"minor=0", b"name=c", b"realsize=1")]
FILE = tars.entry(b"a", b"1\n0\n1\n".ljust(512, b"\0") + b"x")


def definition(before: str, after: str) -> bytes:
    """The task definition with a part of its text changed."""
    text = documents.sample(of_documents.TASK_DEFINITION).text
    assert before in text
    return text.replace(before, after).encode()


def plan(before: str, after: str) -> bytes:
    text = documents.sample(of_documents._plan()).text
    assert before in text
    return text.replace(before, after, 1).encode()


def trace(before: str, after: str) -> bytes:
    text = documents.sample(of_documents.TRACE).text
    assert before in text
    return text.replace(before, after).encode()


REFUSED = {
    "form": [b"soci-v2-prefetch(files=\xff)", b"soci-v2-own-layer(b\rc)"],
    "form-list": [b"soci-v2-exact(trace=~nobody-of-that-name/x)", b"soci-v2-exact(trace=/dev/zero)"],
    "profile": [b"unshaped(rate=" + b"9" * 400 + b"Gbit)", b"unshaped(\xff)"],
    "ready": [b"log:" + b"(" * 3000, b"log:a{99999999999}", b"log:(?\x02"],
    "sizes": [DIGITS, "٣MiB".encode()],
    "settings-words": [b"\x00=", b"forms=zstd(\xff)", b"seed=" + DIGITS, b"images=" + DEEP],
    "stack-file": [
        b"\xe7", b"config: s", b"!!int 3-", b"a: x\nb: &b a\nc: [b]\nd\xef\xbb\xbf", b"a: 2027-13-45",
        b"config: {1: 2}",
        b"a: &a [x,x,x,x,x,x,x,x,x]\n" + LAUGHS + b"config: {'sociometer:images': *m}", b"a: &a [*a]", b"[" * 2000,
    ],
    "stack-name": [b"\x00"],
    "sweep-name": [b"..:", b"last~" + DIGITS, b"\x7f:"],
    "exposed-ports": [b"1-553", b"1-65556555", b"80062", b"0"],
    "settings": [b'{"seed":"' + b"x" * 300_000 + b'"}', DEEP, b'{"seed":' + DIGITS + b"}"],
    "boot-report": [
        documents.sample({**of_documents.BOOT, "finished_ns": "9" * 30}).text.encode(),
        DEEP, b'{"task_arn":NaN}', b"\xff", DIGITS,
    ],
    "probe-report": [DEEP, b"\x80"],
    "trace": [
        DEEP, trace('"span_count":9', '"span_count":4'), trace('"spans":[0,1,4]', '"spans":[1,1,4]'),
        trace('"ready_ms":812.5', '"ready_ms":1e999'), trace('"share":0.2', '"share":"inf"'),
        trace('"layer":0,"size_bytes":8000',
        '"layer":2,"size_bytes":8000'),
        trace('"ranges":[[0,4096]]', '"ranges":[[4096,0]]'), trace('"ranges":[[0,4096]]', '"ranges":[[-1,4096]]'),
        trace('"image":"web:1"', '"image":"\\ud800"'), b"[]",
    ],
    "plan": [plan('"seed":1', f'"seed":"{"9" * 20}"')],
    "prefetch-list": [DEEP, b'["0","."]', b'["/"]', b'["a\\u0000"]', b'[""]', b"\xff"],
    "task-definition": [
        b"{}", definition('"family":"web",', ""), definition('"cpu":"256"', '"cpu":"e"'),
        definition('"name":"side",', ""),
        definition('"ARM64"', '"CMD"'), definition('[{"containerPort":80}]', "[{}]"),
        definition('"valueFrom":"/x/y"', '"a":1'),
        definition('"arn:aws:ecs:eu-west-2:123456789012:task-definition/web:3"', '"x"'), definition('"FARGATE"',
        '{"c":[]}'),
    ],
    "daemon": [DEEP, b"[]"],
    "stack-outputs": [DEEP, b"[]", b'{"schema_version":1e999}'],
    "docker-config": [DEEP, b'{"auths":6}', b'{"credHelpers":""}', b'{"credHelpers":{"a":1}}'],
    "prefetch-artifact": [
        DEEP, b'""', b"", b"\x80", DIGITS, b'{"prefetch_spans":"1"}', b'{"prefetch_spans":[{}]}',
        b'{"prefetch_spans":[{"start_span":NaN,"end_span":3}]}', b'{"prefetch_spans":[{"start_span":-9,"end_span":3}]}',
    ],
    "layout-index": [DEEP, b"", b'{"manifests":[2]}', b'{"schemaVersion":2}', b'{"manifests":[{"digest":""}]}',
    b"\x80", DIGITS],
    "referrers": [DEEP, b'[{"digest":1}]', b'[{"mediaType":"a","digest":"sha256:' + b"0" * 64 + b'","size":1e400}]'],
    "manifest": [DEEP, b"[]", b'{"config":{"mediaType":"a","digest":"sha256:' + b"0" * 64 + b'","size":-1}}'],
    "docker-archive": [
        tars.header(b"x", 1 << 32, b"x"), tars.header(b"a", b"\xff" * 12), tars.entry(b"x", PAX, b"x") * 2000,
        tars.entry(b"x", tars.record(b"GNU.sparse.map=0,x"), b"x") + tars.entry(b"a", b"b"),
        tars.entry(b"manifest.json", DEEP) + b"\0" * 1024, tars.entry(b"../up", b"") + b"\0" * 1024,
        tars.header(b"manifest.json", 0, b"2", b"/etc/passwd") + b"\0" * 1024,
    ],
    "oci-archive": [tars.entry(b"index.json", DEEP) + b"\0" * 1024, tars.header(b"index.json", 0, b"1",
    b"x") + b"\0" * 1024],
    "soci-layout": [b"\0" * 1024, tars.entry(b"index.json", b'{"manifests":[]}') + b"\0" * 1024],
    "tar-records": [
        tars.entry(b"x", tars.record(b"size=" + DIGITS), b"x") + tars.header(b"a", 0),
        tars.header(b"a", b"\x80" + b"\x7f" * 11), tars.entry(b"x", DIGITS + b" path=a\n", b"x"),
    ],
    "tar-facts": [
        tars.header(b"a", b"\x80" + b"\x7f" * 11), tars.header(b"g", 1 << 40, b"g"), tars.header(b"a", b"\xff" * 12),
        tars.entry(b"x", tars.record(b"comment=" + b"1" * 900_000), b"x") + FILE,
        tars.entry(b"x", b"5 a=\n" * 180_000 + b"5 a\n", b"x") + FILE,
        tars.entry(b"x", tars.record(b"size=99999999999999") + tars.record(b"GNU.sparse.map=0,1"), b"x") + FILE,
        tars.entry(b"x", tars.record(b"GNU.sparse.map=0,-1,0,1"), b"x") + FILE,
    ],
    "kept-index": [tars.header(b"b", 0) + tars.entry(b"x", tars.record(b"size=-1536"), b"x") + FILE],
    "store": [
        b"sql\nDROP TABLE reads; CREATE VIEW reads AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
        b"SELECT x AS sweep_id, x AS variant, x AS document FROM c",
        b"sql\nALTER TABLE sweeps DROP COLUMN outputs", b"sql\nDROP TABLE tasks", b"raw\n",
        b"sql\nPRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = CAST(x'ff41' AS TEXT) WHERE name = 'tasks'",
        b"raw\nSQLite format 3\0",
        b"sql\nUPDATE sweeps SET plan = '[' || hex(zeroblob(40000))", b"sql\nUPDATE sweeps SET outputs = '9e999'",
    ],
}  # fmt: skip
"""By parser; each is refused in one clear line."""
IGNORED = {
    "passwd": [b"0::0:", b"root:x:99999999999:0", b":x:0:0"],
    "lease": [b"0" * 32 + b"  until 2027-01-31T80:00:00Z", b"0" * 32 + b"  until 2027-02-31T00:00:00Z"],
    "pulumi-lock": [
        b'{"username":"","hostname":"","pid":Infinity,"timestamp":5}',
        b"[]",
        DEEP,
        b'{"username":"a","hostname":"b","pid":-1,"timestamp":"c"}',
    ],
    "snapshotter-log": [
        DEEP,
        b'{"remote-snapshot-prepared":"false","error":7}',
        b'{"msg":"preparing snapshot with parallel pull/unpack","layerDigest":{}}',
        DIGITS,
    ],
    "fuse-log": [
        b'{"msg":"FUSE operation","operation":"node.Open"}',
        b'{"msg":"FUSE operation","operation":"file.Read","path":"a","time":"x"}',
        b'{"msg":"FUSE operation","operation":"file.Read","path":7,"time":7}',
    ],
    "http-date": [b"Fri, 01 Jan 99999999999999999999 00:00:00 GMT"],
    "version": [DIGITS + b"." + DIGITS],
    "tool-manifest": [DEEP, b"[]"],
    "tool-answers": [DEEP, b'{"a":NaN}'],
    "soci-output": [b'time=x level=fatal msg="\\x"', b'time=x level=fatal msg="a\tb"'],
}
"""What is skipped, because whoever wrote it may be half done."""
DISPUTED = {
    "a name with more behind its end": tars.header(b"L", 7, b"L") + tars.padded(b".wh..wh..opq") + FILE,
    "a PAX header with more behind its end": tars.header(b"x", len(LATER) // 2, b"x") + tars.padded(LATER) + FILE,
    "a folder by the name that is replaced": tars.entry(b"x", LATER, b"x") + tars.entry(b"d/", b"x" * 600, b"\0"),
    "times where a folder's name may be": tars.prefixed(FILE, b"01234567890", b"ustar  \0"),
    "the name of a sparse file alone": tars.entry(b"x", SPARSE[2], b"x") + FILE,
    "two names, in the wrong order": tars.entry(b"x", b"".join(SPARSE) + LATER, b"x") + FILE,
    "a sparse file with a size in PAX": tars.entry(b"x", b"".join(SPARSE) + tars.record(b"size=1024"), b"x") + FILE,
    "a sparse folder": tars.entry(b"x", b"".join(SPARSE), b"x") + tars.header(b"d", 0, b"5"),
    "an old sparse file in a newer dialect": tars.prefixed(tars.entry(b"a", b"x", b"S"), b"d", b"ustar\x0000"),
}
"""Tars in which plain tarfile and Go see other names or sizes."""


def cases(table: dict[str, list[bytes]]) -> list[object]:
    return [pytest.param(name, each, id=f"{name}-{at}") for name, all_ in table.items() for at, each in enumerate(all_)]


@pytest.mark.slow
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("name", "content"), cases(REFUSED))
def test_it_is_refused_in_one_clear_line(name: str, content: bytes) -> None:
    assert trial.tried(PARSERS[name], content).kind == "refused"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("name", "content"), cases(IGNORED))
def test_it_is_passed_over(name: str, content: bytes) -> None:
    verdict = trial.tried(PARSERS[name], content)
    assert not verdict.is_fault, verdict


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("content", [pytest.param(content, id=what) for what, content in DISPUTED.items()])
def test_a_tar_that_readers_disagree_on_is_not_moved(content: bytes) -> None:
    whole = content + tars.entry(b"behind", b"y") + b"\0" * 1024
    verdict = trial.tried(PARSERS["tar-facts"], whole)
    assert not verdict.is_fault, verdict
    assert trial.tried(PARSERS["tar-records"], whole).kind == "refused"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["oci-layout", "soci-layout"])
def test_a_name_deeper_than_a_layout_has_is_not_unpacked(name: str) -> None:
    """Of thousands of parts it took seconds in which nothing of ours was tried."""
    content = tars.entry(b"L", b"d/" * 100 + b"e", b"L") + FILE + b"\0" * 1024
    assert trial.tried(PARSERS[name], content).kind == "refused"
    assert not list(Path().rglob("d"))


def test_real_samples_are_accepted(home: Path) -> None:
    """Else all would be refused for another reason than the fault in it."""
    good = {
        "boot-report": documents.sample(of_documents.BOOT).text.encode(),
        "probe-report": documents.sample(of_documents.PROBE).text.encode(),
        "trace": documents.sample(of_documents.TRACE).text.encode(),
        "task-definition": documents.sample(of_documents.TASK_DEFINITION).text.encode(),
        "settings": documents.sample(of_documents.SETTINGS).text.encode(),
        "tar-facts": images.PLAIN_TAR,
        "tar-records": images.PLAIN_TAR,
        "ztoc": of_layers._made(1, 3),
        "store": b"sql\n",
        "store-written": b"sql\n",
    }
    for name, content in good.items():
        assert trial.tried(PARSERS[name], content).kind == "accepted", name
