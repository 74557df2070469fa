"""What all unit tests share."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator

import pytest
import typer.main
import typer.testing
from botocore.loaders import JSONFileLoader


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Each boto3 session reads its services' models anew, a quarter of a second each; one copy serves all of them."""
    with pytest.MonkeyPatch.context() as patch:
        read = functools.cache(JSONFileLoader().load_file)
        patch.setattr(JSONFileLoader, "load_file", lambda _loader, path: read(path))
        yield


@pytest.fixture(scope="session", autouse=True)
def _commands_are_put_together_once() -> Iterator[None]:
    """typer does it anew for each command that is run: once in a process's life, hundreds of times in tests."""
    with pytest.MonkeyPatch.context() as patch:
        put_together = functools.cache(typer.main.get_command)
        patch.setattr(typer.main, "get_command", put_together)
        patch.setattr(typer.testing, "_get_command", put_together)
        yield


def pytest_collection_finish(session: pytest.Session) -> None:
    """All modules are loaded: leave them out of every collection of garbage to come, and collect less often.

    `make mutants` tries each mutant in a fork of a process in which all tests have run: what functions have cached is
    the right answer, not the mutant's.
    """
    if session.config.getoption("--hypothesis-profile") == "mutants":
        gc.unfreeze()  # what that process has left out is not among the objects
        for each in gc.get_objects():
            if isinstance(each, functools._lru_cache_wrapper):
                each.cache_clear()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
