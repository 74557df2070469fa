"""Which registry answers at an address: a stack's own, or one that took its port meanwhile."""

from __future__ import annotations

import http.client
import uuid
from pathlib import Path

from kit.errors import RegistryUnreachable
from kit.files import write

STORAGE_ID = "X-Sociometer-Storage-Id"
"""Header of every answer of a lab's registry."""
ANSWER_SECONDS = 2.0
"""Time limit of connecting, and of each piece of an answer."""


def storage_id(folder: Path) -> str:
    """The identity of the storage: a new one if the storage is new or its file storage-id is gone."""
    storage, note = folder / "storage", folder / "storage-id"
    if storage.is_dir() and note.is_file() and (known := note.read_text().strip()):
        return known
    storage.mkdir(exist_ok=True)
    new_id = uuid.uuid4().hex
    write(note, new_id)
    return new_id


def answers(address: str) -> bool:
    """Whether a registry answers there."""
    try:
        return _ask(address).status == 200
    except (OSError, http.client.HTTPException):
        return False


def demand(address: str, wanted: str) -> None:
    """Raise `RegistryUnreachable` if the registry that answers at ``address`` says that its storage is another.

    While a stack's registry is down, that of another stack may get its port: what that one lacks is not gone, and what
    it has is not ours to delete. A registry that was started before it said so is taken for the wanted one.
    """
    try:
        found = _ask(address).getheader(STORAGE_ID, wanted)
    except (OSError, http.client.HTTPException) as error:
        raise RegistryUnreachable(f"The registry at {address} does not answer: {error}.") from error
    if found != wanted:
        raise RegistryUnreachable(f"The registry at {address} is another stack's by now.")


def _ask(address: str) -> http.client.HTTPResponse:
    """Its answer, without the body. Every process of a provider comes here, and httpx takes as long to import as it."""
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse()
    finally:
        connection.close()
