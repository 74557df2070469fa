"""What in this process's environment opens something: kept from programs that have no use for it, and out of texts.

A variable opens something when its name says so, or when its value is an address with a login, as a proxy's may be.
"""

from __future__ import annotations

import os
import re

HIDDEN = "***"
SHORTEST = 8
"""Characters of a value that is looked for in texts; a shorter one may be a word that means something else."""
_NAME = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSPHRASE|CREDENTIALS?|AUTH_CONFIG|(ACCESS|API|PRIVATE|SIGNING)_?KEY)(_|$)|PASSWORD|PASSWD",
    re.IGNORECASE,
)
_PLACE = re.compile(r"_(FILE|PATH|DIR|URI|URL)$", re.IGNORECASE)
"""Ends the names of variables that say where something lies."""
_PROXY = re.compile(r"(HTTPS?|ALL|FTP)_PROXY", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=[a-z0-9+.-]://)[^/\s@'\"]+@(?!sha256:)", re.IGNORECASE)
"""The login of an address; ``ocidir://layout@sha256:…`` has none. It looks back from ``://``: to look for the scheme
first would take the square of a long word's length."""


def looks_secret(name: str) -> bool:
    """Whether a variable of this name is meant to hold what opens something."""
    return _NAME.search(name) is not None and _PLACE.search(name) is None


def environment_without() -> dict[str, str]:
    """This process's environment, without what opens something and without proxies: for programs that stay on this
    machine. In a lab, whose addresses look like any other, a proxy would be in their way.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not (looks_secret(name) or _PROXY.fullmatch(name) or _LOGIN.search(value))
    }


def hidden(text: str) -> str:
    """A text for people, in which no login of an address and no value of a variable that opens something is left."""
    for name, value in os.environ.items():
        if len(value) >= SHORTEST and looks_secret(name):
            text = text.replace(value, HIDDEN)
    return _LOGIN.sub(f"{HIDDEN}@", text)
