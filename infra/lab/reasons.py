"""What the lab's tools print when an image cannot be pulled or started, as one sentence for the user. Pure."""

from __future__ import annotations

import re

from kit.errors import LabError


class ImageAtFault(LabError):
    """A task failed because of its image, or of what was set for it: another attempt would end the same."""


MOST_CHARACTERS = 4000
"""Of a line: what is longer holds a document, and the patterns here take time by its square."""
_NO_PROGRAM = re.compile(
    r'exec: "(?P<program>[^"]+)": (?:stat [^:]+: no such file or directory|executable file not found in \$PATH)'
)
_NOT_EXECUTABLE = re.compile(r'exec: "(?P<program>[^"]+)": permission denied')
_WRONG_FORMAT = re.compile(r"exec (?P<program>\S+): exec format error|exec format error")
_NO_INTERPRETER = re.compile(r"exec (?P<program>\S+): no such file or directory")
_LAYER = re.compile(r"failed to extract layer(?: \((?P<layer>[^)]+)\))?[^:]*(?:sha256:[0-9a-f]{64}[^:]*)?: (?P<why>.+)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NOISE = re.compile(r'^(time=\S+ |level=\w+ |msg=|ctr: |"+)+|"+$')
_WRAPPERS = (
    "failed to create shim task: ",
    "OCI runtime create failed: ",
    "runc create failed: ",
    "unable to start container process: ",
    "error during container init: ",
    "rpc error: code = Unknown desc = ",
    "rpc error: code = NotFound desc = ",
)
_TEMPORARY = re.compile(r"/\S*/(?:tmpmounts|snapshots)/[^/\s]+/?(?:fs/)?")


def of_start(output: str) -> tuple[str, bool]:
    """Why a container could not be started, and whether the image or its settings are at fault: then a second attempt
    would end the same."""
    text = cleaned(output)
    for pattern, sentence in (
        (_NO_PROGRAM, "The image's command {program} is not in the image."),
        (_NOT_EXECUTABLE, "The image's command {program} cannot be executed: permission denied."),
        (_WRONG_FORMAT, "The image's command {program} is for another machine, or no program: exec format error."),
        (_NO_INTERPRETER, "The image's command {program} names an interpreter or loader that is not in the image."),
    ):
        if match := pattern.search(text):
            return sentence.format(program=match.groupdict().get("program") or ""), True
    return f"{text}.", False


def of_pull(output: str) -> tuple[str, bool]:
    """Why an image could not be pulled, and whether the image is at fault."""
    text = cleaned(output)
    if match := _LAYER.search(text):
        digest = _DIGEST.search(text)
        layer = digest[0] if digest else match["layer"] or "of the image"
        return f"Layer {layer} cannot be unpacked: {match['why'].removeprefix('sha256:')}.", True
    return f"{text}.", False


def unknown(output: str) -> tuple[str, bool]:
    """What any other command of containerd's client complains of."""
    return f"{cleaned(output)}.", False


def cleaned(output: str) -> str:
    """The last line of a tool's output, without time stamps, wrappers and temporary paths."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    text = _NOISE.sub("", lines[-1][:MOST_CHARACTERS] if lines else "no reason given")
    for wrapper in _WRAPPERS:
        text = text.replace(wrapper, "")
    return _TEMPORARY.sub("/", text).rstrip(". ")
