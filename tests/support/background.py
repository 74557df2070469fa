"""A server of Python's standard library that answers in a thread for as long as a test needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from typing import TypeVar

Server = TypeVar("Server", bound=BaseServer)

LOOK_SECONDS = 0.01
"""How often it looks whether it is to end. The library's half a second would be waited for at every end."""


@contextmanager
def answering(server: Server) -> Iterator[Server]:
    """Serve ``server`` in a thread, and close it at the block's end."""
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
