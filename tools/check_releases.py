"""Check every pin of releases.json against its publisher: `uv run python tools/check_releases.py [--download]`.

GitHub tells the SHA-256 of each file of a release; where it does not (files from before June 2025), or with --download,
the file itself is downloaded and hashed. Exit code 1 when a pin differs, 3 when the publisher is out of reach.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

PINS = Path(__file__).parent / "releases.json"
API = "https://api.github.com"
SECONDS = 30.0


def pins() -> Iterator[tuple[str, str]]:
    """The address and the SHA-256 of every file."""
    for entry in json.loads(PINS.read_text()):
        for pin in entry["files"].values():
            yield pin["url"], pin["sha256"]


def published(web: httpx.Client, release: str, api: str) -> dict[str, str]:
    """Name and SHA-256 of a release's files, those that GitHub tells; ``release`` is owner/name/releases/tags/TAG."""
    files = web.get(f"{api}/repos/{release}").raise_for_status().json()["assets"]
    sums = {file["name"]: (file.get("digest") or "").removeprefix("sha256:") for file in files}
    return {name: digest for name, digest in sums.items() if digest}


def hashed(web: httpx.Client, url: str) -> str:
    """The SHA-256 of the file itself."""
    digest = hashlib.sha256()
    with web.stream("GET", url) as answer:
        for chunk in answer.raise_for_status().iter_bytes():
            digest.update(chunk)
    return digest.hexdigest()


def release_of(url: str) -> str:
    """From the address of a file to owner/name/releases/tags/TAG."""
    _, owner, name, _, _, tag, _ = urlsplit(url).path.split("/")
    return f"{owner}/{name}/releases/tags/{tag}"


def main(words: list[str]) -> int:
    """Check all pins, one line each."""
    api = os.environ.get("GITHUB_API_URL", API)
    known: dict[str, dict[str, str]] = {}
    wrong = 0
    try:
        with httpx.Client(follow_redirects=True, timeout=SECONDS) as web:
            for url, pinned in pins():
                release, file = release_of(url), url.rpartition("/")[2]
                if release not in known:
                    known[release] = {} if "--download" in words else published(web, release, api)
                told = known[release].get(file)
                found, how = (told, "told") if told else (hashed(web, url), "downloaded")
                wrong += found != pinned
                verdict = "ok" if found == pinned else f"WRONG: {found}, but {pinned} is pinned"
                sys.stdout.write(f"{file}, {how}: {verdict}\n")
    except httpx.HTTPError as error:
        sys.stderr.write(f"The publisher cannot be asked: {error}\n")
        return 3
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
