"""Texts that people type: forms, profiles, references, sizes, plans, settings on the command line and in files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.hostile.parser import Parser, text_of, texts
from experiments.executors.choose import simulated_parameters
from experiments.plan.control import Control
from experiments.plan.plan import Design
from experiments.plan.presets import preset
from infra import forms, readiness
from infra.automation import files
from infra.forms import FormSpec
from infra.lab.profiles import profile
from infra.oci import config, manifest, names
from infra.settings import attached
from infra.settings.model import KEYS, Settings
from kit.toolchain.programs import parse_version
from sociometer import loading
from sociometer.cli import images, laying, options

FORMS = (
    "plain", "soci-v2", "soci-v1(span=1MiB)", "soci-v2(span=1MiB,min-layer=0)", "zstd(level=19)", "gzip(level=9)",
    "uncompressed", "soci-v2-prefetch(files=list.json)", "soci-v2-exact(trace=0123456789ab)", "plain-again",
    "soci-v2-layout(trace=trace.json,prefetch=no,span=64KiB)", "parallel-pull(downloads=3,unpacks=2,chunk=1MiB)",
    "soci-v2(compression=gzip-9)", "soci-v2-own-layer(trace=t.json,min-layer=1GiB)",
)  # fmt: skip
_MARKS = ("(", ")", ",", "=", "KiB", "MiB", "GiB", "B", "level=", "span=", "-", ":", "/", "@", ".", "~", "0", "9")
_SETTINGS = (
    "seed=7", "spanSize=8MiB", "target=fargate", "variants=movie,parquet", 'variants=["movie"]',
    "forms=plain,zstd(level=3)",
    'images={"web":{"image":"docker.io/library/nginx:1","port":80}}', "loadbalancerAllowCidrs=203.0.113.7/32",
    "cpuUnits=256", "memoryMebibytes=512", "deleteAfter=2027-01-31", "owner=me", "region=eu-west-2", "platform=auto",
    'images={"a":{"image":"x","ready":"log:.*","command":"sh -c true","environment":{"A":"b"}}}', "payload=download",
    "vpc=vpc-0123456789abcdef0", 'subnets=["subnet-0123456789abcdef0","subnet-0123456789abcdef1"]',
)  # fmt: skip
_YAML = """\
encryptionsalt: v1:abc=
config:
  sociometer:target: fargate
  sociometer:variants: [movie, parquet]
  sociometer:seed: 3
  sociometer:owner: &me somebody
  sociometer:images:
    web: {image: nginx, ready: "http:80/"}
  sociometer:deleteAfter: 2027-01-31
  aws:region: eu-west-2
"""
_LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
) + "config: {'sociometer:images': *m, 'sociometer:variants': *m, 'sociometer:seed': *m}\n"  # fmt: skip


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("form", "--forms, settings, plans", texts(FORMS, _MARKS), _form)
    yield Parser(
        "form-list", "--forms with files", texts([",".join(FORMS[:7]), FORMS[7], FORMS[10]], _MARKS), _form_list
    )
    profiles = (
        "fargate-256-512",
        "unshaped(rate=none)",
        "fargate-1024-2048(rate=200Mbit,delay=5ms,vcpu=0.5,memory=1GiB)",
    )
    yield Parser("profile", "--profile", texts(profiles, (*_MARKS, "rate=", "Gbit", "ms", "none", "delay=")), _profile)
    ready = (
        "http:8080/health",
        "tcp:22",
        "port:80",
        "log:ready in [0-9]+ ms",
        "exit:0",
        "healthcheck",
        "log:(?P<a>x+)$",
    )
    yield Parser(
        "ready", "--ready, settings, outputs", texts(ready, (*_MARKS, "(" * 300, "{9999999999}", "\\", "[")), _ready
    )
    references = (
        "nginx", "docker.io/library/nginx:1.27", "localhost:5000/a/b@sha256:" + "0" * 64, "docker-daemon:web:dev",
        "docker-archive:image.tar:web:1", "oci:dir:tag", "oci-archive:/tmp/x.tar", "[::1]:5000/a", "docker://a/b:c",
        "before=host/repo:tag",
    )  # fmt: skip
    yield Parser("image-name", "--image, settings", texts(references, _MARKS), _image_name)
    digests = ("127.0.0.1:5000/sociometer/movie@sha256:" + "a" * 64,)
    yield Parser(
        "image-by-digest",
        "outputs, index info",
        texts(digests, _MARKS),
        lambda it: manifest.Reference.parse(text_of(it)),
    )
    yield Parser(
        "control", "--control", texts(("movie", "soci-v2", "movie:plain", "parquet:zstd(level=3)"), _MARKS), _control
    )
    yield Parser("sizes", "--span-size and others", texts(("4MiB", "0", "10 KiB", "4194304", "1GiB"), _MARKS), _size)
    plans = ("1,2,8", "movie,parquet\n1,2\nplain,soci-v2\n7", "movie\n1\nsoci-v2(span=1MiB)\n99999")
    yield Parser("plan-options", "--variants, --counts, --forms", texts(plans, _MARKS), _plan)
    parameters = ("launches=100/20", "rate_bits_per_second=1e9", "drift=0.1", "seed=1", "failures=0/0/1")
    yield Parser("simulation", "--parameter", texts(parameters, _MARKS), _simulation)
    yield Parser("settings-words", "--set", texts(_SETTINGS, (*KEYS, *_MARKS)), _settings_words)
    own = ("web=nginx\nlog:x\nA=b\nsh -c 'x'\nroot:0\n/srv", "docker-archive:x.tar\nhttp:80/\n\n\n\n")
    yield Parser("own-image", "--image, --env, --command and others", texts(own, _MARKS), _own_image)
    words = ("&a ", "*a", "!!python/object:os.system", "<<: *a\n", "!!binary ", "!!set", "? ", "- ", ": ", "'",
    "|\n", "0o7", "2027-99-99",
             "sociometer:seed: ", "{", "}", "[", "]", "%YAML 9.9\n", "---\n", "1e999", ".nan", "!!int ", "=",
             "~")  # fmt: skip
    yield Parser("stack-file", "Pulumi.STACK.yaml", texts((_YAML, _LAUGHS, "config: {}\n"), words), _stack_file)
    yield Parser(
        "stack-name",
        "--stack",
        texts(("lab", "dev-movie", "a.b_c"), _MARKS),
        lambda it: files.checked_name(text_of(it)),
    )
    yield Parser(
        "sweep-name",
        "--sweep, compare",
        texts(("last", "last~1", "store.sqlite:20270101-000000-abcd", ":"), _MARKS),
        _sweep,
    )
    yield Parser(
        "version",
        "what tools say of themselves",
        texts(("soci version v0.16.0 abc", "go1.27.3"), _MARKS),
        lambda it: parse_version(text_of(it)),
    )
    ports = ("80/tcp", "8000-8002/tcp", "53/udp", "1-65535")
    yield Parser("exposed-ports", "an image's configuration", texts(ports, _MARKS), _ports)


def _form(content: bytes) -> None:
    form = FormSpec.parse(text_of(content))
    assert FormSpec.parse(str(form)) == form, "another form comes back"
    assert str(FormSpec.parse(str(form))) == str(form)
    assert len(form.slug) <= forms.SLUG_LIMIT and form.slug.strip("-") == form.slug
    form.compression, form.prefetches, form.number("span", 0)


def _form_list(content: bytes) -> None:
    """With a file where forms name one."""
    Path("list.json").write_text('["/usr/bin/x"]')
    for form in options.chosen_forms(text_of(content).replace("\0", "")) or ():
        assert FormSpec.parse(form).file is None or attached.content_of(form)


def _profile(content: bytes) -> None:
    found = profile(text_of(content))
    assert profile(found.name) == found
    assert 0 <= found.round_trip_seconds <= 1 and 0.05 <= found.vcpu <= 16


def _ready(content: bytes) -> None:
    found = readiness.parse(text_of(content))
    assert readiness.parse(str(found)) == found
    assert 0 <= found.port <= 65535 and 0 <= found.code <= 255


def _image_name(content: bytes) -> None:
    found = names.parse(text_of(content))
    assert names.parse(str(found)) == found
    names.absolute(found, "/somewhere")
    images.name_of(text_of(content))


def _control(content: bytes) -> None:
    Control.parse(text_of(content), ("movie", "parquet"), ("plain", "soci-v2"), attached.resolved)


def _size(content: bytes) -> None:
    assert laying._size("--span-size", text_of(content), least=1) >= 1


def _plan(content: bytes) -> None:
    variants, counts, named, blocks, *_ = (*text_of(content).split("\n"), "", "", "", "")
    number = int(blocks) if blocks.isascii() and blocks.isdecimal() and len(blocks) < 4000 else 2
    changes = options.Changes(variants or None, named or None, counts or None, min(number, 3), 1)
    plan = options.chosen_plan("default", changes)
    assert len(plan.rounds) <= 1_000_000


@cache
def _design() -> Design:
    return preset("default").design


def _simulation(content: bytes) -> None:
    simulated_parameters(_design(), options.parse_settings(text_of(content).split("\n")))


def _settings_words(content: bytes) -> None:
    found = Settings.parse(options.parse_settings(text_of(content).split("\n")))
    for variant in found.all_variants:
        found.workload(variant).outputs()


def _own_image(content: bytes) -> None:
    image, ready, variable, command, user, folder, *_ = (*text_of(content).split("\n"), *[""] * 6)
    given = images.ImageOptions(
        image=[image], ready=ready or None, env=[variable] if variable else None, command=command or None,
        user=user or None, working_directory=folder or None,
    )  # fmt: skip
    given.settings("eu-west-2")


def _stack_file(content: bytes) -> None:
    path = Path("Pulumi.lab.yaml")
    path.write_bytes(content)
    Settings.parse(files._bare(files._read(path)))


def _sweep(content: bytes) -> None:
    """There is no store, so that each is refused; what it is called must be told all the same."""
    text = text_of(content).replace("\0", "")
    loading.load(text, Path("nowhere.sqlite"))
    raise AssertionError(f"{os.fsencode(text)!r} was loaded")


def _ports(content: bytes) -> None:
    text = text_of(content)
    found = config.ImageConfig.model_validate({"config": {"ExposedPorts": {text: {}}}})
    assert all(0 < port < 65536 for port in found.tcp_ports)
    readiness.from_config("it", found)
