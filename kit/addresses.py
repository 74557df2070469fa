"""Addresses of the web, as text."""

from __future__ import annotations

import re


def shown(url: str) -> str:
    """An address as it may be printed: without the name and password that may stand in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)
