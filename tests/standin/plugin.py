"""Runs a stand-in as the engine runs plugins: a gRPC server on loopback whose port is the first line printed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from tests.standin.provider import Provider

MESSAGE_BYTES = 400 << 20
ORPHAN_CHECK_SECONDS = 1.0


def serve(provider: Provider) -> None:
    """Serve until the engine ends this process, or is gone itself."""
    engine = os.getppid()
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", MESSAGE_BYTES)])
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    while server.wait_for_termination(ORPHAN_CHECK_SECONDS) and os.getppid() == engine:
        pass
    server.stop(None)
