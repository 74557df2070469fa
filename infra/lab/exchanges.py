"""What a lab host asked of its registry and what came of it, from the packets that its `Wire` heard. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.lab.wire import ACK, FIN, RST, SYN, Packet

_WRAP = 1 << 32


@dataclass
class Exchange:
    """A request and what came of it. ``length`` is of the answer's body; None when its head does not say."""

    method: str
    path: str
    wanted: str
    asked_ns: int
    answered_ns: int | None = None
    over_ns: int | None = None
    """When its connection ended, from either side."""
    status: int | None = None
    length: int | None = None
    body_sequence: int = 0
    arrived: int | None = None
    """Bytes of the body, where the connection ended before all had come."""
    ended: str | None = None
    """How the registry's side ended the connection meanwhile."""

    def end(self, at_ns: int, sequence: int) -> bool:
        """Its connection ends, with the registry's side at ``sequence``; whether something of it is missing."""
        self.over_ns = at_ns
        if self.status is None or self.length is None:
            return self.status is None
        arrived = (sequence - self.body_sequence) % _WRAP
        if arrived < self.length:
            self.arrived = arrived
        return arrived < self.length

    @property
    def name(self) -> str:
        """What was asked for, for people."""
        kind, _, digest = self.path.rpartition("/")
        return f"{kind.rpartition('/')[2].rstrip('s')} {digest[:19]}"


@dataclass
class _Connection:
    """One connection on its way; ``open`` is the exchange that has not ended yet."""

    open: Exchange | None = None
    left: bool = False
    """The host itself has closed it: what the other side does then is no fault."""


def exchanges(packets: Iterable[Packet]) -> list[Exchange]:
    """The exchanges of all connections, in the order of their requests. Packets that were sent again count once."""
    found: list[Exchange] = []
    connections: dict[int, _Connection] = {}
    seen: set[tuple[int, bool, int, bytes]] = set()
    for packet in packets:
        if packet.flags & SYN and not packet.flags & ACK:
            connections[packet.port] = _Connection()
            continue
        connection = connections.setdefault(packet.port, _Connection())
        key = (packet.port, packet.from_host, packet.sequence, packet.payload[:64])
        if packet.payload and key in seen:
            continue
        seen.add(key)
        if packet.from_host:
            if packet.payload.startswith((b"GET ", b"HEAD")):
                connection.open = _request(packet)
                found.append(connection.open)
            if packet.flags & (FIN | RST):
                connection.left = True
                if connection.open is not None:
                    connection.open.end(packet.at_ns, packet.acknowledged)
        else:
            _take_answer(connection, packet, found)
    return found


def _request(packet: Packet) -> Exchange:
    lines = packet.payload.split(b"\r\n\r\n")[0].decode(errors="replace").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    return Exchange(method, rest.partition(" ")[0], _headers(lines[1:]).get("range", ""), packet.at_ns)


def _take_answer(connection: _Connection, packet: Packet, found: list[Exchange]) -> None:
    """What came from the registry's side: the head of an answer, or an end."""
    exchange = connection.open
    if exchange is not None and packet.payload.startswith(b"HTTP"):
        head, end, _ = packet.payload.partition(b"\r\n\r\n")
        lines = head.decode(errors="replace").split("\r\n")
        status, length = lines[0].split()[1:2], _headers(lines[1:]).get("content-length", "")
        exchange.answered_ns, exchange.status = packet.at_ns, int(status[0]) if status else 0
        exchange.length = int(length) if length.isdigit() else None
        if exchange.method == "HEAD":
            exchange.length = 0
        exchange.body_sequence = packet.sequence + len(head) + len(end)
    if packet.flags & (FIN | RST) and not connection.left:
        _end(connection, packet, found)


def _end(connection: _Connection, packet: Packet, found: list[Exchange]) -> None:
    """The registry's side closes the connection, or resets it, while the host still wants it."""
    exchange, how = connection.open, "reset" if packet.flags & RST else "closed"
    connection.open, connection.left = None, True
    if exchange is not None and exchange.end(packet.at_ns, packet.sequence + len(packet.payload)):
        exchange.ended = how
    elif how == "reset":  # while it rested, or was not even made
        found.append(Exchange("", "", "", packet.at_ns, ended="reset" if exchange else "refused"))


def _headers(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
