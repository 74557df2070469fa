import json
import tomllib
from pathlib import Path

from infra.lab import daemons
from infra.lab.daemons import Parallel, PullModes


def test_containerd_unpacks_for_both_snapshotters_of_the_platform() -> None:
    config = tomllib.loads(daemons.containerd_config(Path("/h0"), Path("/h0/soci"), "linux/arm64"))
    unpack = config["plugins"]["io.containerd.transfer.v1.local"]["unpack_config"]
    assert [entry["snapshotter"] for entry in unpack] == ["overlayfs", "soci"]
    assert {entry["platform"] for entry in unpack} == {"linux/arm64"}
    assert config["proxy_plugins"]["soci"]["exports"]["root"] == "/h0/soci"
    assert config["root"] == "/h0/containerd"


def test_v1_indexes_are_used_only_when_asked_for() -> None:
    for asked in (True, False):
        config = tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes(v1=asked)))
        assert config["pull_modes"]["soci_v1"]["enable"] is asked


def test_the_snapshotter_asks_containerd_on_its_own_host_for_content() -> None:
    config = tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes()))
    assert config["content_store"]["containerd_address"] == daemons.CONTAINERD_SOCKET
    assert config["resolver"]["host"]["10.0.0.1:5000"]["mirrors"][0]["insecure"] is True


def test_the_edge_registry_cannot_write() -> None:
    config = json.loads(daemons.registry_config(Path("/storage"), "10.0.0.1:5000"))
    assert config["storage"]["maintenance"]["readonly"]["enabled"] is True
    assert config["storage"]["filesystem"]["rootdirectory"] == "/storage"


def test_paths_with_quotes_stay_one_string() -> None:
    config = tomllib.loads(daemons.containerd_config(Path('/a"b'), Path('/a"b/soci'), "linux/amd64"))
    assert config["root"] == '/a"b/containerd'


def test_each_form_gets_the_pull_modes_that_it_needs_and_no_other() -> None:
    assert PullModes.of("soci-v2") == PullModes.of("plain") == PullModes.of("zstd(level=9)") == PullModes()
    assert PullModes.of("soci-v1(span=1MiB)") == PullModes(v1=True)
    assert PullModes.of("soci-v2-prefetch(files=0123456789ab)") == PullModes(prefetch=True)
    assert PullModes.of("parallel-pull") == PullModes(parallel=Parallel(10, 10, 16 << 20))
    assert PullModes.of("parallel-pull(unpacks=2,chunk=1MiB)").parallel == Parallel(10, 2, 1 << 20)


def test_the_configuration_of_a_host_without_special_modes_names_none_of_them() -> None:
    config = tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes()))
    assert set(config) == {"content_store", "pull_modes", "resolver"}
    assert set(config["pull_modes"]) == {"soci_v1", "soci_v2"}
    assert "type" not in config["content_store"]


def test_prefetch_and_the_parallel_mode_are_switched_on_in_the_configuration() -> None:
    assert tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes(prefetch=True)))["prefetch"] == {"enable": True}
    config = tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes.of("parallel-pull(downloads=4)")))
    parallel = config["pull_modes"]["parallel_pull_unpack"]
    assert (parallel["enable"], parallel["max_concurrent_downloads_per_image"]) == (True, 4)
    assert parallel["concurrent_download_chunk_size"] == f"{16 << 20}b"
    assert config["content_store"]["type"] == "containerd"


def test_a_traced_snapshotter_logs_requests_and_fetches_nothing_by_itself() -> None:
    config = tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes(traced=True)))
    assert config["fuse"]["log_fuse_operations"] is True
    assert config["background_fetch"]["disable"] is True
    assert config["prefetch"]["enable"] is False
    assert config["resolve_result_entry"] > 127  # as many layers as Docker allows
    assert config.items() >= tomllib.loads(daemons.soci_config("10.0.0.1:5000", PullModes())).items()
