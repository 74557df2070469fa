"""The lab's registries of several stacks that are started at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.lab import registry, registry_identity
from infra.lab.registry import Registry

pytestmark = pytest.mark.lab
AT_ONCE = 6


def test_registries_that_are_started_at_one_moment_all_get_a_port_and_data_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(AT_ONCE)]
    together = threading.Barrier(AT_ONCE)

    def start(folder: Path) -> Registry:
        together.wait()
        return registry.ensure(folder, None)

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            started = list(pool.map(start, folders))
        assert len({one.port for one in started}) == AT_ONCE
        assert [registry.inspect(one.folder, 0) for one in started] == started
        assert all(registry_identity.answers(one.address) for one in started)
    finally:
        for folder in folders:
            registry.remove(folder)
