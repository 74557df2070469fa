"""The direction of imports, read from the source: `sociometer → experiments → infra → kit`, and inside the rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import PACKAGES, ROOT, modules, nodes

FORMER = "sociometer/infra/"
"""Re-exports for stacks made before the move; see their docstring."""
WINGS = {
    "wording": set(),
    "records": set(),
    "plan": {"records"},
    "store": {"plan", "records"},
    "analysis": {"forecast", "store", "plan", "records", "wording"},
    "compare": {"analysis", "store", "plan", "records", "wording"},
    "report": {"compare", "analysis", "forecast", "store", "plan", "records", "wording"},
    "forecast": {"store", "plan", "records", "wording"},
    "executors": {"forecast", "plan", "records"},
    "reads": {"executors", "store", "plan", "records"},
    "resuming": {"store", "plan"},
    "sweep": {"executors", "forecast", "resuming", "analysis", "store", "plan", "records"},
}
"""What each part of `experiments` may import of the others."""
PULUMI = ("infra/program.py", "infra/lab_stack.py", "infra/fargate/", "infra/providers/", "infra/automation/")
"""The only places that import pulumi, pulumi_aws or pulumi_docker."""


def imported(module: Path) -> Iterator[str]:
    """Every module that a file imports, in whatever function: `a.b` for `from a import b` where b is a module."""
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = ROOT / f"{node.module}.{alias.name}".replace(".", "/")
                is_module = whole.is_dir() or whole.with_suffix(".py").is_file()
                yield f"{node.module}.{alias.name}" if is_module else node.module


def wing(dotted: str) -> str | None:
    """The part of `experiments` that a module belongs to."""
    package, _, rest = dotted.partition(".")
    return rest.partition(".")[0] or None if package == "experiments" else None


def dotted(module: Path) -> str:
    return ".".join(module.with_suffix("").parts)


def test_there_is_something_to_read() -> None:
    assert len(modules()) > 150
    assert "infra.outputs" in set(imported(Path("experiments/plan/plan.py")))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_itself_and_those_below(package: str) -> None:
    above = PACKAGES[: PACKAGES.index(package)]
    found = [
        (str(module), name)
        for module in modules()
        if module.parts[0] == package
        for name in imported(module)
        if name.partition(".")[0] in above
    ]
    assert found == []


def test_a_wing_of_experiments_imports_only_what_lies_below_it() -> None:
    found = []
    for module in modules():
        own = wing(dotted(module))
        if own in (None, "__init__"):
            continue
        others = {other for name in imported(module) if (other := wing(name)) not in (None, own)}
        found += [(str(module), other) for other in sorted(others - WINGS[own])]
    assert found == []


def test_nothing_in_the_wings_goes_round_in_a_circle() -> None:
    order: list[str] = []
    while len(order) < len(WINGS):
        free = [name for name, below in WINGS.items() if name not in order and below <= set(order)]
        assert free, f"a circle among {sorted(set(WINGS) - set(order))}"
        order += free


def test_pulumi_is_imported_only_where_stacks_are_described_or_driven() -> None:
    found = [
        (str(module), name)
        for module in modules()
        if not str(module).startswith(PULUMI)
        for name in imported(module)
        if name.partition(".")[0] in ("pulumi", "pulumi_aws", "pulumi_docker")
    ]
    assert found == []


def test_providers_know_nothing_of_the_lab_but_its_registry() -> None:
    found = [
        (str(module), name)
        for module in modules()
        if str(module).startswith("infra/providers/")
        for name in imported(module)
        if name.startswith("infra.lab") and not name.startswith("infra.lab.registry")
    ]
    assert found == []


def test_former_names_are_re_exports_and_nothing_else() -> None:
    for module in (path for path in modules() if str(path).startswith(FORMER)):
        kinds = {type(node) for node in ast.iter_child_nodes(nodes(module)[0])}
        assert kinds <= {ast.Expr, ast.ImportFrom}, module
