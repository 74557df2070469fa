"""`sociometer relayout`: what is refused before any work, and what is said of the result."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.oci.config import ImageConfig
from infra.relayout import make
from infra.relayout.make import Request
from infra.relayout.report import AS_ASKED, LayerReport, RelayoutReport
from infra.sources import own
from infra.sources.own import ResolvedImage
from infra.trace.model import Trace
from kit.errors import SettingsError, TraceError
from sociometer.cli.main import app

DIGEST, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def layer(*, kept: str | None, not_found: int = 0) -> LayerReport:
    return LayerReport(
        digest=DIGEST,
        new_digest=DIGEST if kept else NEW,
        kept_because=kept,
        size_bytes=10_000_000,
        new_size_bytes=10_000_000 if kept else 10_100_000,
        files_first=0 if kept else 7,
        bytes_first=0 if kept else 1_500_000,
        span_count=20,
        new_span_count=21,
        spans_touched=9,
        new_spans_touched=9 if kept else 2,
        touched_bytes=1,
        new_touched_bytes=800_000,
        not_found=not_found,
    )


def report(*layers: LayerReport, changed: bool) -> RelayoutReport:
    return RelayoutReport(
        image="host/web:1",
        digest=DIGEST,
        new_digest=NEW if changed else DIGEST,
        output_digest="sha256:" + "c" * 64,
        output="out",
        proof="read from the layers of both images",
        paths=1234,
        layers=layers,
        seconds=1.0,
    )


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    made = Trace(
        image="host/web:1", digest=DIGEST, platform="linux/arm64", ready="x", ready_ms=1.0, layers=(), files=()
    )
    (tmp_path / "t.json").write_text(made.model_dump_json())
    return tmp_path / "t.json"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that is made; each ends well with a report of one new layer."""
    requests: list[Request] = []

    def relayout(request: Request, notify: object) -> RelayoutReport:
        requests.append(request)
        return report(layer(kept=None), layer(kept="the boot reads nothing of it", not_found=2), changed=True)

    monkeypatch.setattr(make, "relayout", relayout)
    monkeypatch.setattr(own, "resolve", lambda name, platform: ResolvedImage(name, DIGEST, ImageConfig()))
    return requests


def run(trace: Path, *more: str, output: str = "oci:out") -> Result:
    return CliRunner().invoke(app, ["relayout", "host/web:1", "--trace", str(trace), "--output", output, *more])


def test_sizes_platform_and_tag_are_handed_on(trace: Path, asked: list[Request]) -> None:
    words = ("--span-size", "1MiB", "--min-layer-size", "0", "--keep-layers")
    assert run(trace, *words, output="oci:out:v2").exit_code == 0
    (request,) = asked
    assert (request.options.span_bytes, request.options.min_layer_bytes) == (1 << 20, 0)
    assert (request.options.platform, request.tag, request.keep_layers) == ("linux/arm64", "v2", True)
    assert request.output == Path("out")


@pytest.mark.parametrize(
    ("words", "output", "reason"),
    [
        ((), "host/web:2", "cannot be written to. Allowed: oci:DIR, oci:DIR:TAG"),
        ((), "docker-archive:out.tar", "cannot be written to"),
        (("--span-size", "4 furlongs"), "oci:out", "--span-size '4 furlongs' cannot be used"),
        (("--span-size", "0"), "oci:out", "Allowed: at least 1 bytes"),
        (("--min-layer-size", "-1"), "oci:out", "--min-layer-size '-1' cannot be used"),
    ],
)
def test_a_wrong_option_is_named_before_any_work(
    trace: Path, asked: list[Request], words: tuple[str, ...], output: str, reason: str
) -> None:
    done = run(trace, *words, output=output)
    assert isinstance(done.exception, SettingsError)
    assert reason in str(done.exception)
    assert asked == []


def test_a_file_that_is_no_trace_is_named(tmp_path: Path, asked: list[Request]) -> None:
    (tmp_path / "no.json").write_text("{}")
    for name, reason in {"no.json": "is not a trace that this version reads", "none.json": "cannot be read"}.items():
        done = run(tmp_path / name)
        assert isinstance(done.exception, TraceError)
        assert reason in str(done.exception)
    assert asked == []


def test_the_result_says_what_moved_what_stayed_and_what_the_digest_means(trace: Path, asked: list[Request]) -> None:
    said = run(trace).stdout
    assert "9 → 2 of 21" in said
    assert "Layer 1 stays as it is: the boot reads nothing of it." in said
    assert "Layer 1 does not have 2 of the traced files" in said
    assert "1234 paths are equal" in said
    assert f"The image {DIGEST} became {NEW}." in said
    assert "signatures" in said and "attestations" in said
    assert "[prefetch] enable = true" in said
    assert "regctl image copy ocidir://out@sha256:ccc" in said


def test_without_a_new_layer_it_says_what_the_index_means(
    trace: Path, asked: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "relayout", lambda request, notify: report(layer(kept=AS_ASKED), changed=False))
    said = run(trace, "--keep-layers").stdout
    assert "No layer has changed" in said
    assert "stays as it is" not in said
    assert "paths are equal" not in said
