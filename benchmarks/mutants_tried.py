"""Tries mutants under pytest: each in a fork of one process that has imported and collected everything.

A mutant in a function's body replaces the function's code there, wherever it was imported to. One that takes effect at
import, such as a constant, has our modules imported anew in the fork. (What a test computes when it is collected is the
original's in the first case: that can save a mutant, and kill none.)

Only tests that reach the mutant's lines are run (all for one that takes effect at import), the fastest first, until one
fails.
"""

from __future__ import annotations

import functools
import gc
import importlib.abc
import importlib.util
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import coverage
import pytest

from benchmarks.mutants_made import Mutant

_WITHOUT = ("cacheprovider", "randomly", "xdist")
OPTIONS = ("-qq", "--no-summary", *(f"-pno:{plugin}" for plugin in _WITHOUT), "-otimeout=60")
PROCESSES = 2
KILLED, SURVIVED = "killed", "survived"
_FAILED, _BROKEN = 1, 70
_PATIENCE = 10
"""A mutant may take so many times the CPU time of its tests, and the seconds below: then it is killed as endless."""
_LEAST_SECONDS = 20

Told = Callable[[Mutant, str], None]


class _Hurried:
    """Has hypothesis draw the same examples each time, and not look for the smallest that fails."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Once our own profile is loaded, and before any test is made."""
        from hypothesis import Phase, settings  # before pytest starts, this would be a warning: an error to our tests

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("hurried", settings(), derandomize=True, database=None, phases=phases)
        settings.load_profile("hurried")


class Trial(_Hurried):
    """A plugin of pytest that runs the collected tests once, and then those of each mutant again."""

    def __init__(self, mutants: Sequence[Mutant], told: Told, most_seconds: float, end: float = float("inf")) -> None:
        """Begin no mutant after ``end``, a monotonic time; choose tests of ``most_seconds`` together for each."""
        self._mutants, self._told, self._most, self._end = mutants, told, most_seconds, end
        self._failed: list[str] = []
        self._functions: dict[tuple[str, str], list[FunctionType]] = {}
        self._caches: list[object] = []
        self._running: dict[int, Mutant] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what failed."""
        if report.failed:
            self._failed.append(f"{report.nodeid}\n{report.longreprtext}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests as they are, then the mutants."""
        measured, seconds = self._as_they_are(session.items)
        if self._failed:
            pytest.exit(f"The tests fail without any mutant: {self._failed[0]}", returncode=2)
        order = sorted(session.items, key=lambda item: seconds[item.nodeid])
        self._functions, self._caches = _living()
        gc.collect()
        gc.freeze()
        for mutant in self._mutants:
            if time.monotonic() > self._end:
                break
            reaching = self._reaching(mutant, measured)
            self._begin(mutant, self._within_time(reaching or seconds.keys(), order, seconds), anew=not reaching)
        while self._running:
            self._end_one()
        return True

    def _as_they_are(self, items: list[pytest.Item]) -> tuple[coverage.CoverageData, dict[str, float]]:
        seconds = {}
        modules = sorted({str(Path(each.path).resolve()) for each in self._mutants})
        measuring = coverage.Coverage(data_file=None, config_file=False, include=modules)
        with measuring.collect():
            for item, following in zip(items, [*items[1:], None], strict=True):
                measuring.switch_context(item.nodeid)
                began = time.process_time()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                seconds[item.nodeid] = time.process_time() - began
        return measuring.get_data(), seconds

    def _reaching(self, mutant: Mutant, measured: coverage.CoverageData) -> set[str]:
        """The tests that run its lines; none for what takes effect at import: no line tells who uses that."""
        by_line = measured.contexts_by_lineno(str(Path(mutant.path).resolve())) if mutant.inside else {}
        first, last = mutant.lines
        return {test for line in range(first, last + 1) for test in by_line.get(line, ()) if test}

    def _within_time(
        self, reaching: Collection[str], order: list[pytest.Item], seconds: dict[str, float]
    ) -> list[pytest.Item]:
        chosen, total = [], 0.0
        for item in order:
            if item.nodeid in reaching and (not chosen or total + seconds[item.nodeid] <= self._most):
                chosen.append(item)
                total += seconds[item.nodeid]
        return chosen

    def _begin(self, mutant: Mutant, items: list[pytest.Item], *, anew: bool) -> None:
        while len(self._running) >= PROCESSES:
            self._end_one()
        if child := os.fork():
            self._running[child] = mutant
            return
        code = _BROKEN
        try:
            limit = _LEAST_SECONDS + int(_PATIENCE * self._most)
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            code = _anew(mutant, items) if anew else self._in_place(mutant, items)
        finally:
            os._exit(code)

    def _end_one(self) -> None:
        child, status = os.wait()
        if child not in self._running:
            return  # a process that a test left
        mutant, code = self._running.pop(child), os.waitstatus_to_exitcode(status)
        if code == _BROKEN:
            raise RuntimeError(f"this mutant could not be tried: {mutant.name}")
        self._told(mutant, KILLED if code else SURVIVED)

    def _in_place(self, mutant: Mutant, items: list[pytest.Item]) -> int:
        path = str(Path(mutant.path).resolve())
        code = _code_of(compile(mutant.source, path, "exec", dont_inherit=True), mutant.where)
        for function in self._functions[path, mutant.where]:
            function.__code__ = code
        for cache in self._caches:
            cache.cache_clear()  # type: ignore[attr-defined]
        items[0].config.pluginmanager.unregister(name="terminalreporter")  # it would still write to the terminal
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return _FAILED
        return 0


def _living() -> tuple[dict[tuple[str, str], list[FunctionType]], list[object]]:
    """All functions there are, by file and name, and all caches of ours."""
    gc.unfreeze()
    functions, caches = defaultdict(list), []
    for each in gc.get_objects():
        if type(each) is FunctionType:
            functions[each.__code__.co_filename, each.__code__.co_qualname].append(each)
        elif type(each) is functools._lru_cache_wrapper and _is_ours(sys.modules.get(each.__module__)):
            caches.append(each)
    return functions, caches


def _is_ours(module: ModuleType | None) -> bool:
    """Whether it is of this folder: the tests, and what they test."""
    path = getattr(module, "__file__", None)
    return path is not None and Path(path).is_relative_to(Path.cwd()) and "site-packages" not in path


def _code_of(module: CodeType, name: str) -> CodeType:
    found, waiting = None, [module]
    while waiting:
        for each in waiting.pop().co_consts:
            if isinstance(each, CodeType):
                found = each if each.co_qualname == name else found
                waiting.append(each)
    assert found is not None, name
    return found


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with its fault."""

    def __init__(self, mutant: Mutant) -> None:
        self._path = Path(mutant.path).resolve()
        self._name = ".".join(Path(mutant.path).with_suffix("").parts)
        self._code = compile(mutant.source, str(self._path), "exec", dont_inherit=True)

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Find this module alone."""
        return importlib.util.spec_from_file_location(name, self._path, loader=self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the faulty code as the module."""
        exec(self._code, module.__dict__)  # noqa: S102


def _anew(mutant: Mutant, items: Iterable[pytest.Item]) -> int:
    """Import all of ours again with the mutant, and run the tests; 0 if none fails."""
    for name in [name for name, module in sys.modules.items() if _is_ours(module)]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Mutated(mutant))
    words = [*OPTIONS, "-x", *(item.nodeid for item in items)]
    return _FAILED if pytest.main(words, plugins=[_Hurried()]) else 0
