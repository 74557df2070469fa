"""What typer's completion lacks: in zsh, the first Tab completes nothing.

zsh reads a completion's file when it is first asked, as the body of the function that is to complete. Typer's only
defines and registers another function, which is asked from the second time on.
"""

from __future__ import annotations

from importlib import import_module

_REGISTERING = "compdef %(complete_func)s %(prog_name)s"
_ALSO_AT_ONCE = f"""if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  %(complete_func)s "$@"
else
  {_REGISTERING}
fi"""


def complete_at_once_in_zsh() -> None:
    """Let the script that typer installs for zsh complete when it is read, too; it is left alone where it differs."""
    try:
        scripts = import_module("typer._completion_shared")._completion_scripts
    except (ImportError, AttributeError):  # another version of typer, which may have it right
        return
    if _ALSO_AT_ONCE not in scripts["zsh"]:
        scripts["zsh"] = scripts["zsh"].replace(_REGISTERING, _ALSO_AT_ONCE)
