"""Stack outputs for tests: as many variants and forms as wanted, each with a digest of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from infra.outputs import SCHEMA_VERSION, StackOutputs
from tests.support.forms import FORMS


def digest(text: str) -> str:
    """A digest that is the same for the same text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def stack_outputs(
    variants: Sequence[str] = ("movie", "parquet"), forms: Sequence[str] = FORMS, *, version: str = "1"
) -> StackOutputs:
    """Outputs of a lab stack; another ``version`` gives other image digests."""
    return StackOutputs.parse(
        {
            "schema_version": SCHEMA_VERSION,
            "target": "lab",
            "platform": "linux/amd64",
            "registry": "127.0.0.1:5000",
            "variants": {variant: _variant(variant, forms, version) for variant in variants},
        }
    )


def _variant(name: str, forms: Sequence[str], version: str) -> dict[str, object]:
    return {
        "name": name,
        "source_image": f"127.0.0.1:5000/{name}@{digest(name)}",
        "image_bytes": 240_000_000,
        "treatments": {form: _treatment(name, form, version) for form in forms},
    }


def _treatment(name: str, form: str, version: str) -> dict[str, object]:
    image_digest = digest(f"{name} {form} {version}")
    return {
        "form": form,
        "image": f"127.0.0.1:5000/{name}/{form}@{image_digest}",
        "image_digest": image_digest,
        "pushed_bytes": 0,
        "seconds": 0.0,
    }
