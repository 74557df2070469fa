"""Shell scripts that make what was measured again: the stack's images by `sociometer up`, and one form in a pipeline.

Both take everything from their words and from files beside them. Pure.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.forms import FormSpec
from infra.outputs import AUTO_READY, VariantOutput

TRACE_FILE, PREFETCH_FILE = "trace.json", "prefetch.json"
_HEAD = """#!/bin/sh
# {what}
# {usage}
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"""


@dataclass(frozen=True)
class Made:
    """A form of an image, with the sizes of spans and of the least layer that it was made with."""

    form: str
    span_bytes: int
    min_layer_bytes: int
    platform: str
    docker_types: bool = False

    @property
    def spec(self) -> FormSpec:
        """The form's kind and settings."""
        return FormSpec.parse(self.form)

    @property
    def flags(self) -> str:
        """Span size and least layer, as soci and `sociometer relayout` take them."""
        spec = self.spec
        span, least = spec.number("span", self.span_bytes), spec.number("min-layer", self.min_layer_bytes)
        return f"--span-size {span} --min-layer-size {least}"


def file_of(form: str) -> str | None:
    """The name of the file beside the scripts that stands for the one that a form names; None where it names none."""
    spec = FormSpec.parse(form)
    if spec.file is None:
        return None
    return PREFETCH_FILE if spec.get("files") else TRACE_FILE


def up_script(stack: str, form: str, references: tuple[str, ...], settings: Mapping[str, object]) -> str:
    """The script that makes a stack with the image as a form, and as the references."""
    forms = [*references, *([] if form in references else [form])]
    words = " ".join(_form_word(each) for each in forms)
    sets = "".join(f" \\\n  --set {shlex.quote(f'{key}={_text(value)}')}" for key, value in settings.items())
    head = _HEAD.format(
        what="Makes a stack with the image as it was measured best, and as what that was compared with.",
        usage=f"sh up.sh [--stack {stack}] [--target fargate] [--yes] …: any option of `sociometer up`",
    )
    return (
        f'{head}forms=$(printf "%s," {words})\nexec sociometer up --stack {stack} --forms "${{forms%,}}"{sets} "$@"\n'
    )


def ci_script(made: Made, container: list[str]) -> str:
    """The script that makes a form from a plain build; ``container`` are the words of `sociometer trace` about it."""
    head = _HEAD.format(
        what=f"Makes {made.form} of a plain build.",
        usage="sh ci.sh SOURCE TARGET [TRACE], such as registry.example/web:1.2 registry.example/web:1.2-fast",
    )
    return head + "\n".join(_ci_lines(made, container)) + "\n"


def container_words(variant: VariantOutput) -> list[str]:
    """What `sociometer trace` and `tune` are told of an image's container, beside its name."""
    told, words = variant.container, list[str]()
    words += ["--ready", variant.ready] if variant.ready not in (None, AUTO_READY) and variant.ready else []
    for name, value in told.environment.items():
        words += ["--env", f"{name}={value}"]
    words += ["--command", shlex.join(told.command)] if told.command is not None else []
    words += ["--entry-point", shlex.join(told.entry_point)] if told.entry_point is not None else []
    words += ["--user", told.user] if told.user else []
    words += ["--working-directory", told.working_directory] if told.working_directory else []
    return [*words, *(["--read-only-root"] if told.read_only_root else [])]


def _ci_lines(made: Made, container: list[str]) -> Iterator[str]:
    yield "source=${1:?name the plain build, such as registry.example/web:1.2, or ocidir://FOLDER:TAG}"
    yield "target=${2:?name what to push, such as registry.example/web:1.2-fast, or ocidir://FOLDER:TAG}"
    if made.spec.kind.startswith("plain"):
        yield "# Nothing is to be made: the plain build is the best form."
        yield 'regctl image copy "$source" "$target"'
        return
    yield "work=$(mktemp -d)"
    yield "trap 'rm -rf \"$work\"' EXIT"
    yield f'regctl image copy --platform {made.platform} "$source" "ocidir://$work/plain:it"'
    if made.docker_types:
        yield 'regctl image mod --to-oci --replace "ocidir://$work/plain:it"'
    if made.spec.get("trace"):
        yield from _by_trace(made, container)
    else:
        yield from _by_tools(made)
    yield 'regctl image copy "ocidir://$work/made:it" "$target"'


def _by_trace(made: Made, container: list[str]) -> Iterator[str]:
    """A trace is of one digest, so a new build is traced anew; that needs root, as the lab does."""
    how = {"soci-v2-exact": " --keep-layers", "soci-v2-own-layer": " --own-layer"}.get(made.spec.kind, "")
    how += "" if made.spec.prefetches else " --no-prefetch"
    yield "# A trace is of one build: it is made anew, as root, unless one of exactly this image is given."
    yield "trace=${3:-$work/trace.json}"
    yield f'[ -f "$trace" ] || sociometer trace "oci:$work/plain:it" {shlex.join(container)} --output "$trace"'
    yield f'sociometer relayout "oci:$work/plain:it" --trace "$trace" --output "oci:$work/made:it" {made.flags}{how}'


def _by_tools(made: Made) -> Iterator[str]:
    spec = made.spec
    if (compression := spec.compression) is not None:
        yield "# regctl writes layers in a way of its own: the same files, but not the digest that was measured."
        yield f'regctl image mod --layer-compress {compression.kind} --replace "ocidir://$work/plain:it"'
    if not spec.lazy:
        yield 'mv "$work/plain" "$work/made"'
        return
    prefetch = f' --prefetch-files-json "$here/{PREFETCH_FILE}"' if spec.get("files") else ""
    yield f"soci convert --standalone --format oci-dir {made.flags} --platform {made.platform}{prefetch} \\"
    yield '  "$work/plain" "$work/converted"'
    yield "digest=$(grep -o 'sha256:[0-9a-f]*' \"$work/converted/index.json\" | head -n 1)"
    yield 'regctl image copy "ocidir://$work/converted@$digest" "ocidir://$work/made:it"'


def _form_word(form: str) -> str:
    """A form as a word of the script: the file that it names lies beside the script."""
    spec, name = FormSpec.parse(form), file_of(form)
    if spec.file is None or name is None:
        return shlex.quote(form)
    before, _, after = form.partition(spec.file)
    return f'{shlex.quote(before)}"$here/{name}"{shlex.quote(after)}'


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, list | dict) else str(value)
