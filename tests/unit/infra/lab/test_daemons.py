import json
import tomllib
from pathlib import Path

from infra.lab import daemons


def test_containerd_unpacks_for_both_snapshotters_of_the_platform() -> None:
    config = tomllib.loads(daemons.containerd_config(Path("/h0"), Path("/h0/soci"), "linux/arm64"))
    unpack = config["plugins"]["io.containerd.transfer.v1.local"]["unpack_config"]
    assert [entry["snapshotter"] for entry in unpack] == ["overlayfs", "soci"]
    assert {entry["platform"] for entry in unpack} == {"linux/arm64"}
    assert config["proxy_plugins"]["soci"]["exports"]["root"] == "/h0/soci"
    assert config["root"] == "/h0/containerd"


def test_v1_indexes_are_used_only_when_asked_for() -> None:
    assert tomllib.loads(daemons.soci_config("10.0.0.1:5000", v1=True))["pull_modes"]["soci_v1"]["enable"] is True
    assert tomllib.loads(daemons.soci_config("10.0.0.1:5000", v1=False))["pull_modes"]["soci_v1"]["enable"] is False


def test_the_snapshotter_asks_containerd_on_its_own_host_for_content() -> None:
    config = tomllib.loads(daemons.soci_config("10.0.0.1:5000", v1=False))
    assert config["content_store"]["containerd_address"] == daemons.CONTAINERD_SOCKET
    assert config["resolver"]["host"]["10.0.0.1:5000"]["mirrors"][0]["insecure"] is True


def test_the_edge_registry_cannot_write() -> None:
    config = json.loads(daemons.registry_config(Path("/storage"), "10.0.0.1:5000"))
    assert config["storage"]["maintenance"]["readonly"]["enabled"] is True
    assert config["storage"]["filesystem"]["rootdirectory"] == "/storage"


def test_paths_with_quotes_stay_one_string() -> None:
    config = tomllib.loads(daemons.containerd_config(Path('/a"b'), Path('/a"b/soci'), "linux/amd64"))
    assert config["root"] == '/a"b/containerd'
