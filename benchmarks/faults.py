"""What becomes of a round whose registry does wrong: it may never be a measurement, and must say why.

    python benchmarks/faults.py [--forms plain,zstd,soci-v2] [--faults 503,reset,…] [--variant movie]

Makes a small stack, opens the real lab, and puts a proxy between its hosts and their registry that does each kind of
wrong to the layers, once and always (`tests/support/lab_faults.py` lists them). After each fault a round without one
must be a measurement again. Prints a line for each round; exit code 1 when one was taken for a measurement, gave no
reason, or left something.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace

from experiments.executors.lab import LabExecutor
from experiments.records.model import Round, RoundStatus
from infra.automation import stack
from infra.forms import is_lazy
from infra.lab.profiles import DEFAULT_PROFILE
from infra.outputs import StackOutputs
from tests.support.lab_faults import HITS, Met, behind_a_faulty_proxy, edge_of, met
from tests.support.leftovers import left_on_the_machine

FORMS = "plain,zstd,soci-v1,soci-v2,parallel-pull"
SETTINGS = {"movieMegabytes": 24, "parquetTestMegabytes": 12, "parquetTrainMegabytes": 12, "base": "debian"}
TIMEOUT_SECONDS = 15


def main() -> None:
    """Run the campaign, print its table, and end with 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forms", default=FORMS)
    parser.add_argument("--faults", default=",".join(HITS))
    parser.add_argument("--variant", default="parquet", choices=["movie", "parquet"])
    arguments = parser.parse_args()
    forms = arguments.forms.split(",")
    name = f"faults-{os.getpid()}"
    wrong = 0
    try:
        outputs = stack.up(name, {**SETTINGS, "variants": [arguments.variant], "forms": forms}, lambda _line: None)
        for line, good in campaign(outputs, arguments.variant, forms, arguments.faults.split(",")):
            wrong += not good
            print(f"{'good ' if good else 'WRONG'} {line}", flush=True)
    finally:
        stack.down(name, lambda _line: None)
    left = left_on_the_machine()
    print(f"{wrong} rounds were wrong; {len(left)} things were left.", *left, sep="\n")
    sys.exit(bool(wrong or left))


def campaign(outputs: StackOutputs, variant: str, forms: list[str], faults: list[str]) -> Iterator[tuple[str, bool]]:
    """One line for each round, and whether all was well with it."""
    with (
        LabExecutor(outputs, profile=DEFAULT_PROFILE, timeout_seconds=TIMEOUT_SECONDS) as lab,
        behind_a_faulty_proxy(edge_of(lab)) as proxy,
    ):
        for form in forms:
            round_ = Round(block=0, index=0, variant=variant, form=form, task_count=1)
            for fault in faults:
                if fault == "corrupt span" and not is_lazy(form):
                    continue
                for times in (1, None):
                    hit = met(lab, proxy, round_, replace(HITS[fault], times=times))
                    how = f"{form:14} {fault:13} {'once' if times else 'always':7}"
                    seen = hit.status is not RoundStatus.COMPLETE and bool(hit.reason) and hit.hits > 0
                    yield f"{how} {told(hit)}", seen
            clean = met(lab, proxy, round_)
            yield f"{form:14} {'none':13} {'':7} {told(clean)}", clean.status is RoundStatus.COMPLETE


def told(hit: Met) -> str:
    """What became of it, in a line."""
    return f"{hit.hits:3} hits  {hit.status.value:13} {hit.outcome.value:13} {hit.reason}"


if __name__ == "__main__":
    main()
