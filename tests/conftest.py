"""What all tests share: tests marked ``lab`` or ``browser`` are skipped loudly, or fail, where these cannot run."""

from __future__ import annotations

import gc
import signal

from hypothesis import Phase, settings

from kit import interrupts
from tests.support.lab_marker import (
    pytest_collection_modifyitems,
    pytest_runtest_setup,
    pytest_terminal_summary,
    pytest_testnodedown,
)

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "pytest_testnodedown",
]

# Under cron, or as a script's background job, Ctrl-C is ignored: what tests interrupt, be it this process or one that
# they start, would never end.
interrupts.for_children()
if interrupts.is_ignored(signal.SIGINT):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What pandas and Pulumi make as they are imported stays to the end. Not to go through it again and again for garbage
# spares the unit tests an eighth of their time.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """Everything is imported now."""
    gc.collect()
    gc.freeze()


# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("ours", deadline=None)
# For `make mutants`: the same examples each time, so that what was killed stays killed, and no search for the smallest.
_PHASES = (Phase.explicit, Phase.generate)
settings.register_profile("mutants", deadline=None, derandomize=True, database=None, max_examples=25, phases=_PHASES)
settings.load_profile("ours")
