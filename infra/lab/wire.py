"""Listens to what a lab host and its registry say to each other, beside the path: the kernel hands over a copy of the
few packets that begin a request or an answer, or that open or end a connection.

Neither containerd nor the soci-snapshotter tells of a request that it had to send again (at the log level of a
measurement), and the registry does not know of what was lost behind it. Only the host's own link has it all.

A packet socket with a filter in the kernel (packet(7), socket(7); the filter's language is that of
Documentation/networking/filter.rst).
"""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from dataclasses import dataclass

from infra.lab.sandbox import Sandbox
from kit.errors import LabError

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
MOST_BYTES = 4096
"""Of a packet: a head of HTTP, with room."""
BUFFER_BYTES = 64 << 20
"""The kernel counts a packet with all its data here until it is read, some 64 KiB."""

_ALL = 0x0003
_OUTGOING = 4
_SO_ATTACH_FILTER, _SO_TIMESTAMPNS, _SO_RCVBUFFORCE = 26, 35, 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_TCP = 6
_TIME = struct.Struct("qq")
_INSTRUCTION = struct.Struct("HBBI")
_TCP_HEADER = struct.Struct("!HHII")

_LOAD_BYTE, _LOAD_BYTE_AT_X, _LOAD_HALF_AT_X, _LOAD_WORD_AT_X = 0x30, 0x50, 0x48, 0x40
_X_IS_IP_HEADER, _AND, _SHIFT_RIGHT, _ADD_X, _TO_X = 0xB1, 0x54, 0x74, 0x0C, 0x07
_IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x15, 0x45, 0x06


@dataclass(frozen=True)
class Packet:
    """One packet of a connection between the host, at ``port``, and its registry. ``sequence`` is that of the first
    byte of ``payload``, of which no more than `MOST_BYTES` are kept; up to ``acknowledged`` its sender has all of the
    other side's."""

    at_ns: int
    from_host: bool
    port: int
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes


class Wire:
    """A listener on a host's link; `open` it before the first request, `packets` at any time, and `close` it."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._packets: list[Packet] = []
        self._lost = 0

    @classmethod
    def open(cls, host: Sandbox, device: str, registry_port: int) -> Wire:
        """Listen on a device of the host to what goes to and comes from a port of TCP."""
        with host.network():
            listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        program = _filter(registry_port)
        code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*line) for line in program))
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code))
        )
        listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        listener.bind((device, _ALL))
        return cls(listener)

    def listen(self) -> None:
        """Take over what the kernel has kept, so that its room does not run out; returns at once."""
        with self._lock:
            while (packet := self._next()) is not None:
                self._packets.append(packet)
            counted = self._listener.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            self._lost += struct.unpack("II", counted)[1]

    def packets(self) -> list[Packet]:
        """Everything that was heard so far, in its order. Raises `LabError` if something was not."""
        self.listen()
        if self._lost:
            raise LabError(f"{self._lost} packets were not heard: what disturbed a lab host is not known.")
        return list(self._packets)

    def close(self) -> None:
        """Give the socket back: it would keep the host's network alive."""
        self._listener.close()

    def _next(self) -> Packet | None:
        """The next packet; None when there is none now."""
        try:
            data, extras, _, source = self._listener.recvmsg(MOST_BYTES, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        [(_, _, arrived)] = extras
        seconds, nanoseconds = _TIME.unpack(arrived)
        header = (data[0] & 0x0F) * 4
        from_port, to_port, sequence, acknowledged = _TCP_HEADER.unpack_from(data, header)
        payload = data[header + (data[header + 12] >> 4) * 4 : int.from_bytes(data[2:4], "big") or None]
        from_host = source[2] == _OUTGOING
        port = from_port if from_host else to_port
        at_ns = seconds * 10**9 + nanoseconds
        return Packet(at_ns, from_host, port, sequence, acknowledged, data[header + 13], payload)


def _filter(port: int) -> list[tuple[int, int, int, int]]:
    """IPv4 and TCP from or to the port; then what opens or ends a connection, or begins as a head of HTTP does.

    Each line is an operation, how many lines it jumps over where it is true and where it is not, and its operand. What
    reads behind the packet's end refuses the packet.
    """
    no, yes = 21, 22
    http, get, head = (int.from_bytes(word, "big") for word in (b"HTTP", b"GET ", b"HEAD"))
    return [
        (_LOAD_BYTE, 0, 0, 0),
        (_AND, 0, 0, 0xF0),
        (_IF_EQUAL, 0, no - 3, 0x40),
        (_LOAD_BYTE, 0, 0, 9),
        (_IF_EQUAL, 0, no - 5, _TCP),
        (_X_IS_IP_HEADER, 0, 0, 0),
        (_LOAD_HALF_AT_X, 0, 0, 0),
        (_IF_EQUAL, 2, 0, port),
        (_LOAD_HALF_AT_X, 0, 0, 2),
        (_IF_EQUAL, 0, no - 10, port),
        (_LOAD_BYTE_AT_X, 0, 0, 13),
        (_IF_ANY_BIT, yes - 12, 0, FIN | SYN | RST),
        (_LOAD_BYTE_AT_X, 0, 0, 12),
        (_AND, 0, 0, 0xF0),
        (_SHIFT_RIGHT, 0, 0, 2),
        (_ADD_X, 0, 0, 0),
        (_TO_X, 0, 0, 0),
        (_LOAD_WORD_AT_X, 0, 0, 0),
        (_IF_EQUAL, yes - 19, 0, http),
        (_IF_EQUAL, yes - 20, 0, get),
        (_IF_EQUAL, yes - 21, 0, head),
        (_RETURN, 0, 0, 0),
        (_RETURN, 0, 0, MOST_BYTES),
    ]
