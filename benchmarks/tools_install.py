"""How long an empty machine takes to its tools and to its first report, with downloads and with builds.

`PYTHONPATH=. uv run python benchmarks/tools_install.py [download|build] [FOLDER]`

The tools that are here are packed as their publishers pack them (filled up with random bytes to 500 MB together, which
is more than the real files have), pinned with their own sums in a copy of this checkout, and served on loopback. Then,
with an empty home, the copy runs `make setup`, `make tools` and `make lab`, as a new user does; and, as a user without
root and with another empty home, `sociometer tools install --for fargate`. Wheels, Debian packages and Go modules come
from where this machine gets them.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE
from typing import Any

from kit.toolchain import toolbox
from kit.toolchain.pins import TOOLS, Tool
from kit.toolchain.releases import PUBLISHER

TOTAL_BYTES = 500_000_000
ROOT = Path(__file__).parents[1]
NOBODY = 65534
LIMIT_SECONDS = 1200
HIDE = """
for program in /usr/sbin/runc /usr/bin/runc; do [ -e $program ] && mount --bind /dev/null $program; done
exec "$@"
"""
"""A new machine has no runc."""


def pack(tool: Tool, file: Path, filling: bytes) -> None:
    """Write the published file of a tool: an archive of its programs, or the one program."""
    release = tool.release
    assert release is not None
    names = dict(release.inside)
    file.parent.mkdir(parents=True)
    if not release.is_archive:
        file.write_bytes(toolbox.tool(tool.programs[0]).read_bytes())
        return
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        for program in tool.programs:
            archive.add(toolbox.tool(program), f"{tool.name}/{names.get(program, program)}")
        if filling:
            rest = file.with_name("rest")
            rest.write_bytes(filling)
            archive.add(rest, f"{tool.name}/another-program")
            rest.unlink()


def publish(folder: Path, pins: Path, total_bytes: int = TOTAL_BYTES) -> None:
    """Pack every released tool below ``folder``, filled up to a size together, and pin what was packed."""
    entries: list[dict[str, Any]] = json.loads(pins.read_text())
    packed = 0
    for tool in sorted((tool for tool in TOOLS if tool.release), key=lambda tool: tool.name == "pulumi"):
        release = tool.release
        assert release is not None
        file = folder / release.url.removeprefix(f"{PUBLISHER}/")
        fills_up = tool.name == "pulumi"
        pack(tool, file, os.urandom(max(0, total_bytes - packed)) if fills_up else b"")
        packed += file.stat().st_size
        [entry] = [entry for entry in entries if entry["tool"] == tool.name]
        with file.open("rb") as content:
            entry["files"][release.system]["sha256"] = hashlib.file_digest(content, "sha256").hexdigest()
    pins.write_text(json.dumps(entries))
    print(f"{packed / 1e6:.0f} MB of archives", flush=True)


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of each request, nor of the one that only asks whether it answers, and hangs up."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def handle(self) -> None:
        """Answer until the other side hangs up."""
        with suppress(ConnectionError):
            super().handle()


def timed(name: str, words: list[str], checkout: Path, environment: dict[str, str]) -> float:
    """Seconds that a command takes; ends with what it said when it fails."""
    began = time.monotonic()
    words = ["unshare", "--mount", "sh", "-c", HIDE, "sh", *words]
    with subprocess.Popen(
        words, cwd=checkout, env=environment, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True
    ) as step:
        try:
            stdout, stderr = step.communicate(timeout=LIMIT_SECONDS)
        except BaseException:
            os.killpg(step.pid, signal.SIGTERM)  # so that a lab clears up
            raise
    seconds = time.monotonic() - began
    print(f"{name}: {seconds:.1f} s, exit code {step.returncode}", flush=True)
    if step.returncode:
        print(stdout[-3000:], stderr[-3000:], sep="\n")
        raise SystemExit(1)
    print(
        "  " + "\n  ".join(line for line in stderr.splitlines() if ": " in line and "…" not in line)[:3000], flush=True
    )
    return seconds


def environment_of(home: Path, mirror: str) -> dict[str, str]:
    """An empty home; a PATH without tools of ours or Go. Settings of package indexes stay."""
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_INDEX", "SSL_", "GOPROXY"))
    }
    path = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {**kept, "HOME": str(home), "PATH": path, "SOCIOMETER_MIRROR": mirror, "LC_ALL": "C.UTF-8"}


def main(how: str = "download", place: str | None = None) -> None:
    """Time the three steps of a new user."""
    with tempfile.TemporaryDirectory(prefix="install-", dir=place) as folder:
        room = Path(folder)
        checkout, home, files = (room / name for name in ("checkout", "home", "files"))
        for path in (checkout, home, files):
            path.mkdir()
        packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x"], cwd=checkout, input=packed, check=True)
        mirror = "http://127.0.0.1:1"  # where nobody answers
        if how == "download":
            publish(files, checkout / "tools" / "releases.json")
            server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(files)))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            mirror = f"http://127.0.0.1:{server.server_port}"
        environment = environment_of(home, mirror)
        steps = [("make setup", ["make", "setup"]), ("make tools", ["make", "tools"]), ("make lab", ["make", "lab"])]
        total = sum(timed(name, words, checkout, environment) for name, words in steps)
        print(f"empty machine to the first report, {how}: {total:.0f} s", flush=True)
        timed("the stack removed again", [".venv/bin/sociometer", "down"], checkout, environment)  # its registry runs
        another = room / "another-home"
        another.mkdir()
        os.chown(another, NOBODY, NOBODY)
        room.chmod(0o755)
        words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", ".venv/bin/sociometer"]
        user = {**environment, "HOME": str(another)}
        timed("tools for Fargate, without root", [*words, "tools", "install", "--for", "fargate"], checkout, user)


if __name__ == "__main__":
    main(*sys.argv[1:])
