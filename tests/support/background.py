"""Servers of Python's standard library that answer in a thread for as long as a test needs them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer
from typing import TypeVar

Server = TypeVar("Server", bound=BaseServer)
Speaks = Callable[[socket.socket], object]

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


@contextmanager
def speaking(speaks: Speaks) -> Iterator[int]:
    """A port at which ``speaks`` says what it wants to, as soon as somebody connects."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            speaks(self.request)

    class TcpServer(ThreadingTCPServer):
        daemon_threads = True

    with answering(TcpServer(("127.0.0.1", 0), Handler)) as running:
        yield running.server_address[1]
