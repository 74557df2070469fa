"""A registry that mounts no blob of another repository, as ECR does by default: a proxy leaves out the question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.support.background import answering

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}


@contextmanager
def without_mounts(host: str) -> Iterator[str]:
    """Where the registry at ``host`` answers without mounting, for as long as the block lasts."""
    with httpx.Client(base_url=f"http://{host}", trust_env=False, timeout=60) as client:

        class Proxy(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms

            def _forward(self) -> None:
                path, _, query = self.path.partition("?")
                target = path if "mount=" in query else self.path
                sent = [
                    pair for pair in self.headers.items() if pair[0].lower() not in HOP_BY_HOP
                ]  # Accept comes often
                body = self._body()
                answer = client.request(self.command, target, headers=sent, content=body)
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name not in HOP_BY_HOP:
                        self.send_header(name, value)
                length = answer.headers.get("content-length", "0") if self.command == "HEAD" else len(answer.content)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815 - the base's names

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, *words: object) -> None:
                """Says nothing."""

        with answering(ThreadingHTTPServer(("127.0.0.1", 0), Proxy)) as server:
            yield f"127.0.0.1:{server.server_port}"
