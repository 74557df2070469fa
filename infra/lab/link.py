"""A host's link, shaped to a rate that its connections share fairly.

Behind one queue (`tbf`) a connection that comes late gets what the early ones leave it: a tenth of its share, measured
on such a link. A pull's layers come one after another, and a lazy task's small reads come behind its background
fetch, so that much hung on who came first, and on the sender's congestion control, which is a setting of the machine.
Behind a queue per connection, served in turn, neither matters.

Fair queueing as in McKenney, Stochastic Fairness Queueing, INFOCOM 1990, with the parts that every kernel was seen
to have: `htb` classes that lend each other what they do not use, and a `u32` filter on the port (`sfq` and
`fq_codel` are missing in some kernels).
"""

from __future__ import annotations

from infra.lab.sandbox import Sandbox

QUEUES = 256
"""Connections are spread over them by port. Linux gives the connections of one program neighbouring ports of one
parity, so that a dozen of them hardly ever share a queue."""

_PORT_MASK = 2 * (QUEUES - 1)
"""Bits of the port that name the queue: not the lowest, the parity."""
_TABLE = "2:"
_FIRST_CLASS = 0x10
_BURST_SECONDS = 0.004
"""Bucket of the token filter, as time at the shaped rate: enough for one timer tick, too little to cheat with."""
_PACKET_BYTES = 66_000
"""One packet as the kernel's segmentation offload hands it over, with its headers."""
_QUEUE_SECONDS = 0.05


def shape_towards_host(switch: Sandbox, device: str, bits_per_second: int) -> None:
    """Shape what the switch sends to a host through ``device``, fairly by the host's ports (TCP over IPv4)."""
    switch.batch("tc", *fair_queues(device, bits_per_second))


def shape_from_host(host: Sandbox, device: str, bits_per_second: int) -> None:
    """Shape what a host sends: requests and acknowledgements, which are too small to queue."""
    limits = f"rate {bits_per_second}bit burst {_burst_bytes(bits_per_second)} latency {_QUEUE_SECONDS * 1000:g}ms"
    host.batch("tc", f"qdisc add dev {device} root tbf {limits}")


def fair_queues(device: str, bits_per_second: int) -> list[str]:
    """Lines for `tc -batch` that share ``bits_per_second`` of ``device`` fairly."""
    burst = _burst_bytes(bits_per_second)
    whole = f"htb rate {bits_per_second}bit burst {burst} cburst {burst} quantum {_PACKET_BYTES}"
    share = (
        f"htb rate {max(bits_per_second // QUEUES, 8)}bit ceil {bits_per_second}bit "
        f"burst {_PACKET_BYTES} cburst {burst} quantum {_PACKET_BYTES}"
    )
    room = max(round(bits_per_second / 8 * _QUEUE_SECONDS), 2 * _PACKET_BYTES)
    rule = f"filter add dev {device} parent 1: prio 1 protocol ip"
    lines = [
        f"qdisc add dev {device} root handle 1: htb default {_FIRST_CLASS:x}",
        f"class add dev {device} parent 1: classid 1:1 {whole}",
        f"{rule} handle {_TABLE} u32 divisor {QUEUES}",
    ]
    for queue in range(QUEUES):
        name = f"1:{_FIRST_CLASS + queue:x}"
        lines += [
            f"class add dev {device} parent 1:1 classid {name} {share}",
            f"qdisc add dev {device} parent {name} bfifo limit {room}",
            f"{rule} u32 ht {_TABLE}{queue:x}: match u8 0 0 flowid {name}",
        ]
    # The ports are the first word after an IP header without options.
    port = f"hashkey mask {_PORT_MASK:#010x} at 20"
    return [*lines, f"{rule} u32 ht 800:: match ip ihl 5 0xf match ip protocol 6 0xff {port} link {_TABLE}"]


def _burst_bytes(bits_per_second: int) -> int:
    return max(round(bits_per_second / 8 * _BURST_SECONDS), _PACKET_BYTES)
