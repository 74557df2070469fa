"""`sociometer tune` on a small image of our own: killed in the middle, gone on with, and its result made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from kit.toolchain.toolbox import tools_path
from tests.support.aws.command import sociometer, started
from tests.support.environments import ROOT
from tests.support.traced import watched_image

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
FORMS = "plain,soci-v2,soci-v2-exact(trace=TRACE)"


def test_a_killed_race_goes_on_and_its_winner_is_made_again_with_the_same_digest(
    own_data: Path, tmp_path: Path
) -> None:
    layout, name = watched_image().write(tmp_path / "image"), f"test-tune-{os.getpid()}"
    words = (f"oci:{layout}", "--ready", "exit:0", "--minutes", "1", "--set", "minLayerSize=0", "--stack", name)
    try:
        with started("tune", *words, "--candidates", FORMS, "--results", str(tmp_path / "results")) as running:
            running.until("block 2")
            running.ended_by(signal.SIGKILL)
        done = sociometer("tune", "--resume", "last", "--results", str(tmp_path / "results"), "--json")
    finally:
        sociometer("down", "--stack", name)
        (ROOT / f"Pulumi.{name}.yaml").unlink(missing_ok=True)
    found = json.loads(done.stdout)
    [folder] = (tmp_path / "results").iterdir()
    records = json.loads((folder / "records.json").read_text())
    [digest] = {record["image_digest"] for record in records if record["form"] == found["chosen"]}
    target, places = tmp_path / "made", (tools_path(), str(ROOT / ".venv/bin"), os.environ["PATH"])
    script = ("sh", folder / "ci.sh", f"ocidir://{layout}:latest", f"ocidir://{target}:it", folder / "trace.json")
    subprocess.run(script, env={**os.environ, "PATH": os.pathsep.join(places)}, check=True, capture_output=True)
    [made] = json.loads((target / "index.json").read_text())["manifests"]
    assert made["digest"] == digest
