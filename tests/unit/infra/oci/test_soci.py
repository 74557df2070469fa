"""What soci prints is read: it says nowhere else which layers it skips."""

from __future__ import annotations

import pytest

from infra.oci.soci import IndexOptions, require_linux, skipped_layers
from kit.errors import MachineError

SMALL, ZSTD, INDEXED = ("sha256:" + letter * 64 for letter in "abc")
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OUTPUT = f"""ztoc skipped - layer {SMALL} ({GZIP}) size 9 is less than min-layer-size 10
ztoc skipped - layer {ZSTD} (application/vnd.oci.image.layer.v1.tar+zstd) is compressed in an unsupported format.
layer {INDEXED} -> ztoc {SMALL}
"""


def test_skipped_layers_are_told_with_their_reasons() -> None:
    assert skipped_layers(OUTPUT) == {
        SMALL: "size 9 is less than min-layer-size 10",
        ZSTD: "is compressed in an unsupported format.",
    }


def test_options_are_given_as_soci_takes_them() -> None:
    assert IndexOptions(4, 10, "linux/arm64").flags() == (
        "--span-size", "4", "--min-layer-size", "10", "--platform", "linux/arm64",
    )  # fmt: skip


@pytest.mark.parametrize(("system", "name"), [("Darwin", "macOS"), ("Windows", "Windows")])
def test_where_soci_cannot_run_two_ways_around_are_named(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str
) -> None:
    monkeypatch.setattr("sys.platform", system.lower())
    monkeypatch.setattr("platform.system", lambda: system)
    with pytest.raises(MachineError, match=f"this is {name}.*Linux container.*bastion"):
        require_linux()


def test_linux_can_run_it() -> None:
    require_linux()
