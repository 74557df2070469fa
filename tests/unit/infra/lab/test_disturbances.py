"""From packets to what was wrong between a host and its registry."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from infra.lab.disturbances import LATE_SECONDS, Link, faults, patience, silences, told
from infra.lab.exchanges import exchanges
from infra.lab.spent import Sample
from infra.lab.wire import ACK, FIN, RST, SYN, Packet

SECOND = 10**9
MS = 10**6
LAYER = "/v2/sociometer/movie/blobs/sha256:" + "a" * 64
SPAN = 4 << 20


@dataclass
class Talk:
    """Writes down the packets of connections as a `Wire` would hear them."""

    now: int = SECOND
    packets: list[Packet] = field(default_factory=list)
    sequences: dict[int, int] = field(default_factory=dict)

    def host(self, port: int, payload: str = "", flags: int = ACK, *, lacks: int = 0) -> None:
        """``lacks``: bytes of what the registry has sent that did not come."""
        came = (self.sequences.get(port, 0) - lacks) % (1 << 32)
        self.packets.append(Packet(self.now, True, port, len(self.packets), came, flags, payload.encode()))

    def registry(self, port: int, payload: str = "", flags: int = ACK, *, more: int = 0) -> None:
        """``more``: bytes of a body that follow, of which the wire hears nothing."""
        at = self.sequences.get(port, 4294967290)  # its sequence numbers soon begin anew
        self.packets.append(Packet(self.now, False, port, at, 0, flags, payload.encode()))
        self.sequences[port] = (at + len(payload) + more) % (1 << 32)

    def opened(self, port: int) -> Talk:
        self.host(port, flags=SYN)
        return self

    def ask(self, port: int, wanted: str = "", path: str = LAYER, method: str = "GET") -> Talk:
        lines = [f"{method} {path} HTTP/1.1", "Host: registry", *([f"Range: {wanted}"] if wanted else [])]
        self.host(port, "\r\n".join([*lines, "", ""]))
        return self

    def answer(
        self, port: int, status: int = 200, length: int | None = SPAN, sent: int | None = None, after: int = MS
    ) -> Talk:
        self.now += after
        lines = [f"HTTP/1.1 {status} Said", *([] if length is None else [f"Content-Length: {length}"])]
        self.registry(port, "\r\n".join([*lines, "", ""]), more=(length or 0) if sent is None else sent)
        return self

    def end(self, port: int, flags: int = FIN | ACK) -> Talk:
        self.registry(port, flags=flags)
        return self

    def wrong(self, round_trip_seconds: float = 0.001, until_ns: int | None = None) -> tuple[str, ...]:
        return faults(exchanges(self.packets), Link(None, round_trip_seconds), until_ns or self.now)


def test_whole_answers_in_time_have_no_fault() -> None:
    talk = Talk().opened(1).ask(1).answer(1).ask(1, path="/v2/", method="HEAD").answer(1, sent=0).end(1)
    talk.opened(2).ask(2, "bytes=0-1").answer(2, 206, 2).ask(2, "bytes=0-9").answer(2, 206, 10)
    assert talk.wrong() == ()
    assert [(each.method, each.wanted, each.status) for each in exchanges(talk.packets)] == [
        ("GET", "", 200),
        ("HEAD", "", 200),
        ("GET", "bytes=0-1", 206),
        ("GET", "bytes=0-9", 206),
    ]


def test_an_error_of_the_server_is_told_with_what_was_asked_for_and_counted() -> None:
    talk = Talk().opened(1).ask(1).answer(1, 503, 10).ask(1).answer(1, 503, 10).ask(1).answer(1)
    assert talk.wrong() == ("the registry answered 503 for blob sha256:aaaaaaaaaaaa (2 times)",)


@pytest.mark.parametrize("status", [401, 404])
def test_what_a_client_asks_for_in_vain_is_no_fault(status: int) -> None:
    assert Talk().opened(1).ask(1).answer(1, status, 10).wrong() == ()


@pytest.mark.parametrize(("flags", "how"), [(FIN | ACK, "closed"), (RST, "reset")])
def test_an_answer_that_ends_early_is_told_with_what_came_of_it(flags: int, how: str) -> None:
    talk = Talk().opened(1).ask(1).answer(1, sent=1000).end(1, flags)
    assert talk.wrong() == (f"the connection was {how} after 1000 of {SPAN} bytes of blob sha256:aaaaaaaaaaaa",)


@pytest.mark.parametrize(("flags", "how"), [(FIN | ACK, "closed"), (RST, "reset")])
def test_a_connection_that_ends_without_an_answer_is_told(flags: int, how: str) -> None:
    talk = Talk().opened(1).ask(1).end(1, flags)
    assert talk.wrong() == (f"the connection was {how} before an answer for blob sha256:aaaaaaaaaaaa",)


def test_a_connection_that_is_refused_or_reset_while_it_rests_is_told() -> None:
    refused = Talk(sequences={1: 0}).opened(1).end(1, RST | ACK)
    assert refused.wrong() == ("a connection to the registry was refused",)
    assert Talk().opened(1).ask(1).answer(1).end(1).wrong() == ()
    rested = Talk().opened(1).ask(1).answer(1).ask(1, path="/v2/").answer(1).end(1, RST)
    assert rested.wrong() == ("a connection to the registry was reset",)


def test_what_the_host_itself_gave_up_is_no_fault_of_the_path() -> None:
    talk = Talk().opened(1).ask(1).answer(1, sent=1000)
    talk.host(1, flags=FIN | ACK)
    assert talk.end(1, RST).wrong() == ()
    given_up = Talk().opened(1).ask(1)
    given_up.host(1, flags=RST)
    assert given_up.wrong(until_ns=SECOND + 60 * SECOND) == ()


def test_bytes_that_came_whole_and_are_asked_for_again_were_damaged() -> None:
    talk = Talk().opened(1).ask(1, "bytes=0-4194303").answer(1, 206).opened(2).ask(2, "bytes=0-4194303").answer(2, 206)
    assert talk.wrong() == (
        f"the same {SPAN} bytes of blob sha256:aaaaaaaaaaaa were fetched again, as after damaged ones",
    )


def test_whole_blobs_and_the_first_bytes_of_layers_are_asked_for_more_than_once() -> None:
    assert Talk().opened(1).ask(1).answer(1).opened(2).ask(2).answer(2).wrong() == ()
    talk = Talk().opened(1).ask(1, "bytes=0-1").answer(1, 206, 2)
    assert talk.ask(1, "bytes=0-1").answer(1, 206, 2).wrong() == ()


def test_a_late_answer_is_told_also_while_it_is_still_waited_for() -> None:
    late = round((LATE_SECONDS + 0.1) * SECOND)
    assert Talk().opened(1).ask(1).answer(1, after=late).wrong() == (
        "the registry took 2.6 s to answer for blob sha256:aaaaaaaaaaaa",
    )
    assert Talk().opened(1).ask(1).wrong(until_ns=SECOND + late) != ()
    assert Talk().opened(1).ask(1).answer(1, after=late).wrong(round_trip_seconds=0.2) == ()


def test_a_delay_that_the_profile_does_not_have_is_seen_in_the_quickest_answer() -> None:
    talk = Talk()
    for port in range(6):
        talk.opened(port).ask(port, f"bytes={port}-9").answer(port, 206, 2, after=(200 + port) * MS)
    assert talk.wrong() == ("even the quickest answer of the registry took 200 ms; the profile's round trip is 1 ms",)
    assert talk.wrong(round_trip_seconds=0.2) == ()


def test_what_was_asked_for_after_the_end_does_not_count() -> None:
    talk = Talk().opened(1).ask(1).answer(1)
    end_ns = talk.now
    talk.now += SECOND
    talk.ask(1).answer(1, 503, 10)
    assert talk.wrong(until_ns=end_ns) == ()
    assert talk.wrong() != ()


def test_packets_that_were_sent_again_count_once() -> None:
    talk = Talk().opened(1).ask(1, "bytes=0-4194303").answer(1, 206)
    talk.packets += talk.packets[1:]
    assert len(exchanges(talk.packets)) == 1
    assert talk.wrong() == ()


def samples(*received: tuple[float, int]) -> list[Sample]:
    """What had come over the link by some seconds."""
    nothing = dict.fromkeys(Sample._fields, 0) | {"could_run": False, "waits": False}
    return [
        Sample(**nothing | {"at_ns": SECOND + round(at * SECOND), "received_bytes": count}) for at, count in received
    ]


SLOW = samples(*((tick / 10, tick * 10_000) for tick in range(40)))
"""100 kB/s."""


def silent(
    talk: Talk, seen: list[Sample], until: float = 10.0, rate: int | None = 10**9, patience: float = 1.0
) -> tuple[str, ...]:
    return silences(exchanges(talk.packets), seen, Link(rate, 0, patience), SECOND + round(until * SECOND))


def test_a_registry_that_has_begun_an_answer_and_sends_as_good_as_nothing_is_told() -> None:
    talk = Talk().opened(1).ask(1).answer(1)
    assert silent(talk, SLOW) == ("for 3.9 s the registry sent as good as nothing of answers that it had begun",)
    assert silent(talk, SLOW, rate=None) == silent(talk, SLOW)
    assert silent(talk, SLOW, until=1.5) == ()
    assert silent(talk, SLOW, rate=10**7) == ()
    assert silent(talk, SLOW, patience=2) == ()


def test_nothing_is_silent_that_has_sent_everything_or_sends_at_all() -> None:
    talk = Talk().opened(1).ask(1).answer(1)
    assert silent(talk, samples((0, 0), (0.1, SPAN), (5, SPAN + 100))) == ()
    steady = samples(*((tick / 10, tick * 140_000) for tick in range(28)))
    assert silent(talk, steady) == ()
    assert silent(Talk(), SLOW) == ()
    talk.host(1, flags=FIN | ACK, lacks=SPAN - 1000)  # it wants no more
    assert silent(talk, SLOW) == ()
    assert silent(talk, []) == ()


def test_what_was_wrong_is_told_in_one_sentence() -> None:
    talk = Talk().opened(1).ask(1).answer(1)
    assert told(exchanges(talk.packets), samples((0, 0), (0.1, SPAN)), Link(), talk.now) == ""
    heard = exchanges(talk.ask(1).answer(1, 503, 10).packets)
    assert told(heard, SLOW, Link(), SECOND * 5) == (
        "Between the host and the registry: the registry answered 503 for blob sha256:aaaaaaaaaaaa; for 3.9 s the "
        "registry sent as good as nothing of answers that it had begun."
    )


def test_the_more_tasks_share_the_cpus_the_longer_things_may_take() -> None:
    assert [patience(tasks, 2) for tasks in (1, 4, 8, 100)] == [1, 1, 2, 25]
    late = round((LATE_SECONDS + 0.1) * SECOND)
    heard = exchanges(Talk().opened(1).ask(1).answer(1, after=late).packets)
    assert faults(heard, Link(), SECOND + late) != ()
    assert faults(heard, Link(patience=patience(8, 2)), SECOND + late) == ()
