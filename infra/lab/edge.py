"""The lab's network: a switch and the registry in a namespace of their own, to which each host has a shaped link.

Nothing is added to the machine's own network. The registry here is a second, read-only process over the storage of the
lab's registry, which listens on a loopback address that a host cannot reach. Toxiproxy in front of it adds the delay:
not every kernel has `netem`, and a proxy works on all of them.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from infra.lab import daemons
from infra.lab.link import shape_from_host, shape_towards_host
from infra.lab.probe import reachable
from infra.lab.profiles import Profile
from infra.lab.sandbox import SETUP_SECONDS, Sandbox
from kit.command import run
from kit.daemon import Daemon, wait_until
from kit.errors import LabError
from kit.toolchain.toolbox import tool

NETWORK = "10.213"
EDGE_ADDRESS = f"{NETWORK}.0.1"
REGISTRY_PORT = 5000
REGISTRY = f"{EDGE_ADDRESS}:{REGISTRY_PORT}"
METADATA_ADDRESS = "169.254.170.2"
"""Where ECS serves task metadata; the lab serves it on the switch."""
MAX_HOSTS = 250

UPSTREAM = "127.0.0.1:5001"
PROXY_API = "127.0.0.1:8474"


def host_address(index: int) -> str:
    """The address of the host with that index, from 0 to below `MAX_HOSTS`."""
    return f"{NETWORK}.1.{index + 1}"


class Edge:
    """The switch and the registry; use `open`, then `plug` per host, and `close`."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._daemons: list[Daemon] = []

    @classmethod
    def open(cls, folder: Path, storage: Path, profile: Profile) -> Edge:
        """Make the switch and start a registry over ``storage``, reachable at `REGISTRY` with the profile's delay."""
        folder.mkdir(parents=True)
        edge = cls(Sandbox.open(), folder)
        try:
            edge.sandbox.batch(
                "ip",
                "link set lo up",
                "link add switch type bridge",
                f"addr add {EDGE_ADDRESS}/16 dev switch",
                f"addr add {METADATA_ADDRESS}/32 dev switch",
                "link set switch up",
            )
            edge._start_registry(storage, profile)
        except BaseException:
            edge.close()
            raise
        return edge

    def plug(self, host: Sandbox, index: int, profile: Profile) -> None:
        """Give a host its address and its link to the switch, shaped to the profile's rate in both directions."""
        port = _port(index)
        self.sandbox.batch(
            "ip",
            f"link add {port} type veth peer name eth0 netns {host.init_pid}",
            f"link set {port} master switch up",
        )
        host.batch(
            "ip",
            "link set lo up",
            f"addr add {host_address(index)}/16 dev eth0",
            "link set eth0 up",
            f"route add {METADATA_ADDRESS} dev eth0",
        )
        if profile.rate_bits_per_second:
            shape_towards_host(self.sandbox, port, profile.rate_bits_per_second)
            shape_from_host(host, "eth0", profile.rate_bits_per_second)

    def unplug(self, index: int) -> None:
        """Remove a host's link at once: the kernel removes a dead host's network later, and until then it would
        answer at the address that the next round gives to another host.
        """
        device = _port(index)
        argv = ["nsenter", f"--target={self.sandbox.init_pid}", "--net", "--", "ip", "link", "delete", device]
        run(argv, timeout_seconds=SETUP_SECONDS, check=False)  # no such device: it went with its host
        if device in self.sandbox.received_bytes():
            raise LabError(f"The link of lab host {index} cannot be removed.")

    def trouble(self) -> str | None:
        """Which daemon of the edge has ended, with its last lines; None while all run."""
        return next((f"The lab's {trouble}" for daemon in self._daemons if (trouble := daemon.trouble())), None)

    def close(self) -> None:
        """End everything on the edge."""
        self.sandbox.close()

    def _start_registry(self, storage: Path, profile: Profile) -> None:
        delayed = profile.round_trip_seconds > 0
        config = self._folder / "registry.yml"
        config.write_text(daemons.registry_config(storage, UPSTREAM if delayed else REGISTRY))
        self._spawn("registry", [tool("docker-registry"), "serve", config])
        if delayed:
            self._start_proxy(profile.round_trip_seconds)
        self._wait_for(REGISTRY)

    def _start_proxy(self, round_trip_seconds: float) -> None:
        self._wait_for(UPSTREAM)
        config = self._folder / "proxy.json"
        config.write_text(json.dumps([{"name": "registry", "listen": REGISTRY, "upstream": UPSTREAM, "enabled": True}]))
        host, port = PROXY_API.split(":")
        self._spawn("proxy", [tool("toxiproxy-server"), "-host", host, "-port", port, "-config", config])
        self._wait_for(PROXY_API)
        # The whole round trip on the way back: a request waits just as long, and only one direction is copied twice.
        toxic = {"type": "latency", "stream": "downstream", "attributes": {"latency": round(round_trip_seconds * 1000)}}
        request = urllib.request.Request(
            f"http://{PROXY_API}/proxies/registry/toxics", json.dumps(toxic).encode(), method="POST"
        )
        with self.sandbox.network(), urllib.request.urlopen(request, timeout=SETUP_SECONDS):  # noqa: S310
            pass

    def _spawn(self, name: str, argv: list[str | Path]) -> None:
        self._daemons.append(self.sandbox.spawn(name, argv, self._folder / f"{name}.log"))

    def _wait_for(self, address: str) -> None:
        wait_until(
            lambda: reachable(self.sandbox, address),
            self._daemons,
            what="The lab's registry",
            failure=LabError,
            seconds=SETUP_SECONDS,
        )


def _port(index: int) -> str:
    """The switch's end of a host's link."""
    return f"h{index}"
