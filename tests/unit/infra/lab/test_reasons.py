"""What containerd and runc print, as one sentence. The outputs were printed by the real tools."""

from __future__ import annotations

import pytest

from infra.lab.reasons import of_pull, of_start

DEPRECATION = 'time="2026-11-26T15:27:44Z" level=warning msg="DEPRECATION: The support for cgroup v1 is deprecated"\n'
SHIM = (
    "ctr: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
    "process: error during container init: "
)


@pytest.mark.parametrize(
    ("said", "reason", "is_image"),
    [
        (
            'exec: "/nope": stat /nope: no such file or directory',
            "The image's command /nope is not in the image.",
            True,
        ),
        (
            'exec: "nope": executable file not found in $PATH',
            "The image's command nope is not in the image.",
            True,
        ),
        (
            'exec: "/etc/hosts": permission denied',
            "The image's command /etc/hosts cannot be executed: permission denied.",
            True,
        ),
        (
            "exec /web: exec format error",
            "The image's command /web is for another machine, or no program: exec format error.",
            True,
        ),
        (
            "exec /web: no such file or directory",
            "The image's command /web names an interpreter or loader that is not in the image.",
            True,
        ),
    ],
)
def test_a_command_that_cannot_run_is_the_image_s_fault(said: str, reason: str, is_image: bool) -> None:
    assert of_start(f"{DEPRECATION}{SHIM}{said}\n") == (reason, is_image)


def test_what_is_not_known_is_told_without_time_stamps_and_wrappers() -> None:
    said = "ctr: failed to create shim task: OCI runtime create failed: no space left\n"
    assert of_start(DEPRECATION + said) == ("no space left.", False)


def test_a_layer_that_cannot_be_unpacked_is_named() -> None:
    digest = "sha256:" + "a" * 64
    said = (
        f"ctr: failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip {digest}) to overlayfs as "
        f'"extract-1 {digest}": failed to create hard link: link /x/tmpmounts/containerd-mount9/app /x/b: no such file'
    )
    reason, is_image = of_pull(said)
    assert is_image
    assert reason.startswith(f"Layer {digest} cannot be unpacked: ")
    assert "tmpmounts" not in reason


def test_a_registry_that_does_not_answer_is_not_the_image_s_fault() -> None:
    assert of_pull("ctr: dial tcp 10.213.0.1:5000: connect: connection refused") == (
        "dial tcp 10.213.0.1:5000: connect: connection refused.",
        False,
    )
