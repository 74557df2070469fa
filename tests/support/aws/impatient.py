"""`sociometer` as it is, but for its waits between two looks, which are a fortieth as long: the local server is quick.

All clocks stay real, for the local server and the tasks have them too.
"""

from __future__ import annotations

from unittest.mock import patch

from experiments.executors.fargate.stage import Backoff
from sociometer.cli.main import main
from tests.support.aws.sent import noted

FASTER = 40

_seconds = Backoff.seconds

if __name__ == "__main__":
    with noted(), patch.object(Backoff, "seconds", lambda self: _seconds(self) / FASTER):
        main()
