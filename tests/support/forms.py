"""Forms for tests: some of every kind, and what those need that name a file."""

from __future__ import annotations

from infra.settings.attached import key_of, prefetch_files

FORMS = ("plain", "soci-v1", "soci-v2", "plain-again")
"""One of each kind that needs nothing but the image, and no settings."""
LAZY = ("soci-v1", "soci-v2")
PREFETCH_LIST = prefetch_files('["/file-0"]')
"""Of the images that `tests.support.images` makes."""
PREFETCH = f"soci-v2-prefetch(files={key_of(PREFETCH_LIST)})"
MORE = (
    "zstd",
    "zstd(level=9)",
    "gzip(level=9)",
    "uncompressed",
    "parallel-pull",
    "soci-v1(span=1MiB)",
    "soci-v2(min-layer=0)",
    "soci-v2(compression=none)",
    "soci-v2(compression=gzip-1)",
    PREFETCH,
)
EVERY = FORMS + MORE


def attached(form: str) -> str | None:
    """The content of the file that a form of this module names."""
    return PREFETCH_LIST if form.startswith("soci-v2-prefetch") else None
