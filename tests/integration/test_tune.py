"""`sociometer tune` on a small image of our own: killed in the middle, gone on with, and its result made again."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from infra.automation import stack as stacks
from tests.support.aws.command import sociometer, started
from tests.support.environments import ROOT
from tests.support.programs import run_script
from tests.support.traced import watched_image

pytestmark = [pytest.mark.lab, pytest.mark.timeout(500)]
FORMS = "soci-v2-exact(trace=TRACE),soci-v2-layout(trace=TRACE)"
"""Either winner names a file."""


def test_a_killed_race_goes_on_without_what_cannot_be_made_and_up_makes_its_winner_again(
    own_data: Path, tmp_path: Path
) -> None:
    layout, name = watched_image().write(tmp_path / "image"), f"test-tune-{os.getpid()}"
    (tmp_path / "nowhere.json").write_text('["/there/is/no/such/file"]')
    forms = f"{FORMS},soci-v2-prefetch(files={tmp_path / 'nowhere.json'})"
    words = (f"oci:{layout}", "--ready", "exit:0", "--minutes", "2", "--set", "minLayerSize=0", "--stack", name)
    results = ("--results", str(tmp_path / "results"))
    others = (f"{name}-best", f"{name}-file")
    try:
        with started("tune", *words, "--candidates", forms, *results) as running:
            running.until("[3/")
            running.ended_by(signal.SIGKILL)
        assert any(
            line.startswith("soci-v2-prefetch(") and "left out, for it could not be made: none of the 1 files" in line
            for line in running.said
        )
        found = json.loads(sociometer("tune", "--resume", "last", *results, "--json").stdout)
        assert any("left out, for it could not be made: none of the 1 files" in note for note in found["notes"])
        [folder] = (tmp_path / "results").iterdir()
        measured = digest(name, found["chosen"])
        run_script("sh", folder / "up.sh", "--stack", others[0])
        shutil.copy(folder / "stack.yaml", ROOT / f"Pulumi.{others[1]}.yaml")
        sociometer("up", "--stack", others[1])
        assert [digest(other, found["chosen"]) for other in others] == [measured, measured]
    finally:
        for stack in (name, *others):
            sociometer("down", "--stack", stack)
            (ROOT / f"Pulumi.{stack}.yaml").unlink(missing_ok=True)


def digest(stack: str, form: str) -> str:
    """Of a stack's image as a form."""
    [variant] = stacks.outputs(stack).variants.values()
    return variant.treatments[form].image_digest
