"""Claims about a stack that version 0.1.0 made, before its modules moved: today's code refreshes and removes it.

``fixtures/state-0.1.json`` is the state that it exported, of the variant movie in every form; folder, address and port
of the registry are filled in here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi.automation import Deployment, Stack

from infra.automation import stack, workspace
from infra.lab import registry

pytestmark = pytest.mark.lab

STATE = Path(__file__).parents[1] / "fixtures" / "state-0.1.json"
NAME = "before"
IMAGES = {"movie-source", "movie-plain", "movie-soci-v1", "movie-soci-v2"}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder() -> Iterator[Path]:
    """The registry's folder, with a registry that runs and holds nothing."""
    place = registry.registry_folder(NAME)
    registry.ensure(place, None)
    yield place
    registry.remove(place)


def imported(data: Path, storage: registry.Registry) -> Stack:
    """The stack as version 0.1.0 left it, on this registry."""
    text = STATE.read_text().replace("@DATA@", str(data)).replace("@ADDRESS@", storage.address)
    state = json.loads(text.replace('"@PORT@"', str(storage.port)))
    for resource in state["resources"]:
        for values in (resource.get("inputs", {}), resource.get("outputs", {})):
            values.update({"storage_id": storage.storage_id} if "storage_id" in values else {})
    opened = workspace.open_stack(NAME)
    opened.import_stack(Deployment(version=3, deployment=state))
    return opened


def names(opened: Stack) -> set[str]:
    resources = (opened.export_stack().deployment or {}).get("resources", ())
    return {entry["urn"].rpartition("::")[2] for entry in resources if entry["type"].startswith("pulumi-python:")}


def test_refreshed_it_keeps_the_registry_and_learns_that_the_images_are_gone(data: Path, folder: Path) -> None:
    opened = imported(data, registry.ensure(folder, None))
    assert names(opened) == {"registry", *IMAGES}
    opened.refresh(color="never")
    assert names(opened) == {"registry"}
    stack.down(NAME, lambda _line: None)
    assert not folder.exists()
    assert NAME not in workspace.names()


@pytest.fixture(params=["nobody", "another stack's"])
def on_its_port(request: pytest.FixtureRequest) -> Iterator[Callable[[int], object]]:
    """What listens where the registry was."""
    other = registry.registry_folder(f"{NAME}-other")
    yield (lambda port: registry.ensure(other, port)) if request.param != "nobody" else (lambda _port: None)
    registry.remove(other)


def test_refreshed_while_its_registry_is_down_it_keeps_its_images_and_is_removed(
    data: Path, folder: Path, on_its_port: Callable[[int], object]
) -> None:
    running = registry.ensure(folder, None)
    opened = imported(data, running)
    storage_id, storage = folder / "storage-id", folder / "storage"
    kept = storage_id.read_text()
    registry.remove(folder)
    storage.mkdir(parents=True)
    storage_id.write_text(kept)
    on_its_port(running.port)
    opened.refresh(color="never")
    assert names(opened) == {"registry", *IMAGES}
    told: list[str] = []
    stack.down(NAME, told.append)
    assert {name for name in IMAGES if any(f"{name}: removed" in line for line in told)} == IMAGES
    assert not folder.exists()
