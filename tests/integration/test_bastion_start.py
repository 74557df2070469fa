"""The bastion's start script on a throw-away copy of this system: real shell, packages and checkout, but no AWS.

The copy is an overlay in a mount namespace of its own: what is installed there is gone with it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import sociometer
from infra.fargate.bastion import start_script
from kit.paths import asset
from tests.support.programs import script

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
BUCKET = "sociometer-bastion-exchange-1234567"
AGENT = "https://s3.eu-west-2.amazonaws.com/amazon-ssm-eu-west-2/latest/debian_arm64/amazon-ssm-agent.deb"
PACKAGE = (
    "Package: amazon-ssm-agent\nVersion: 3\nArchitecture: all\nMaintainer: A Test <test@example.org>\nDescription: x\n"
)
PATH = "/stubs:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NOTE = 'echo "${0##*/} $*" >> /noted'
LAST = 'for last; do :; done; cp "$from" "$last"'
STUBS = {
    "systemctl": NOTE,
    "swapon": NOTE,
    "cloud-init": NOTE,
    "mkswap": NOTE,
    "fallocate": f"{NOTE}; touch /swapfile",  # the copy lies in memory
    "curl": f'{NOTE}; while test "$1" != --output; do shift; done; cp /stubs/agent.deb "$2"',
    "aws": f"{NOTE}; from=/stubs/sociometer.tar.gz; {LAST}",
}
"""What needs systemd, a disk of its own or AWS: noted instead of run."""

IN_A_COPY = """
set -eu
mount -t tmpfs tmpfs "$ROOM"
mkdir "$ROOM/upper" "$ROOM/work" "$ROOM/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$ROOM/upper,workdir=$ROOM/work" "$ROOM/root"
mount --rbind /proc "$ROOM/root/proc"
mount --rbind /dev "$ROOM/root/dev"
cp -r "$STUBS" "$ROOM/root/stubs"
printf '#!/bin/sh\\nexit 101\\n' > "$ROOM/root/usr/sbin/policy-rc.d"  # no package starts a service
chmod 755 "$ROOM/root/usr/sbin/policy-rc.d"
chroot "$ROOM/root" sh -eu -c '/stubs/start >&2; sociometer-bastion --version
echo "command -v sociometer" | sociometer-bastion; cat /noted
for program in /usr/bin/aws /usr/bin/git /usr/bin/make /usr/sbin/dockerd; do test -x $program; done'
"""


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A folder with the stubs, the start script, the agent's package and the checkout as `git archive` packs it."""
    folder = tmp_path / "stubs"
    for name, body in STUBS.items():
        script(folder / name, body)
    (folder / "start").write_text(start_script("eu-west-2", "aws", BUCKET))
    (folder / "start").chmod(0o755)
    script(tmp_path / "agent" / "usr" / "bin" / "amazon-ssm-agent", "true")
    (tmp_path / "agent" / "DEBIAN").mkdir()
    (tmp_path / "agent" / "DEBIAN" / "control").write_text(PACKAGE)
    build = ["dpkg-deb", "--build", "--root-owner-group", tmp_path / "agent", folder / "agent.deb"]
    subprocess.run(build, check=True, capture_output=True)
    root = asset("Pulumi.yaml").parent
    leave_out = [f"--exclude=./{name}" for name in (".git", ".venv", "results", ".mypy_cache", ".ruff_cache")]
    pack = ["tar", "-czf", folder / "sociometer.tar.gz", *leave_out, "-C", root, "."]
    subprocess.run(pack, check=True, capture_output=True)
    return folder


def test_it_becomes_a_machine_that_runs_the_checkout_from_the_bucket(stubs: Path, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    ours = {name: value for name, value in os.environ.items() if name not in ("UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV")}
    environment = ours | {"ROOM": str(tmp_path / "room"), "STUBS": str(stubs), "PATH": PATH, "HOME": "/root"}
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_A_COPY]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert f"sociometer {sociometer.__version__}" in lines
    assert "/opt/sociometer/.venv/bin/sociometer" in lines
    noted = [line for line in lines if line.split()[0] in STUBS]
    assert [line.split()[-1] for line in noted if line.startswith("curl")] == [AGENT]
    assert noted.index("systemctl enable --now amazon-ssm-agent") < noted.index("systemctl enable --now docker")
    assert "swapon --all" in noted
    assert f"s3://{BUCKET}/sociometer.tar.gz" in next(line for line in noted if line.startswith("aws"))


def test_the_script_and_the_command_that_it_writes_are_shell(stubs: Path) -> None:
    text = (stubs / "start").read_text()
    command = text.partition("<<END\n")[2].partition("\nEND\n")[0].replace("\\$", "$")
    for each in (text, command):
        for shell in ("sh", "bash"):
            subprocess.run([shell, "-n", "-c", each], check=True)
