"""Runs the project's notebooks in a real kernel that turns warnings into errors, as the tests do."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

FOLDER = Path(__file__).parents[2] / "notebooks"
TIMEOUT_SECONDS = 300
_STRICT = """
import warnings

warnings.simplefilter("error")
warnings.filterwarnings("default", category=PendingDeprecationWarning, module="ipykernel")  # raised at its exit
"""
_FIGURES = (
    "from IPython.display import JSON\n"
    "JSON({'figures': figures.reset_index().to_dict('list'), 'medians': medians.reset_index().to_dict('list'),"
    " 'deployed': deployed.to_dict('list')})"
)


def read(name: str) -> NotebookNode:
    """A notebook as committed."""
    notebook: NotebookNode = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    return notebook


def run(name: str, environment: dict[str, str], scratch: Path, patch: pytest.MonkeyPatch) -> NotebookNode:
    """Run a notebook in ``scratch`` and return it with its outputs, and its data frames in one more cell.

    Raise what its cells raise.
    """
    for key, value in environment.items():
        patch.setenv(key, value)
    notebook = read(name)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_STRICT))
    notebook.cells.append(nbformat.v4.new_code_cell(_FIGURES))
    resources = {"metadata": {"path": str(scratch)}}
    with TemporaryDirectory(prefix="sociometer-") as folder:  # a socket's path must be short
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        for key in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            patch.setenv(key, folder)
        over_sockets = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        client = NotebookClient(
            notebook, timeout=TIMEOUT_SECONDS, kernel_name="python3", resources=resources, config=over_sockets
        )
        with_outputs: NotebookNode = client.execute()
    return with_outputs


def frames(notebook: NotebookNode) -> dict[str, dict[str, list[Any]]]:
    """The data frames of a notebook that was run, as columns."""
    [output] = notebook.cells[-1].outputs
    columns: dict[str, dict[str, list[Any]]] = json.loads(json.dumps(output["data"]["application/json"]))
    return columns


def shown(notebook: NotebookNode, cell_id: str) -> str:
    """Everything that a cell shows, as text."""
    [cell] = [cell for cell in notebook.cells if cell.get("id") == cell_id]
    texts = (output.get("text") or output.get("data") or output.get("traceback") for output in cell.outputs)
    return "\n".join(json.dumps(text, ensure_ascii=False) for text in texts)


def heard(notebook: NotebookNode) -> str:
    """Everything that the cells wrote to standard error."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return "".join(output["text"] for output in outputs if output.get("name") == "stderr")
