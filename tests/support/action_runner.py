"""Runs `action.yml` as a GitHub runner does: as a user who may become root by `sudo`, with files for what steps say.

What lies on the runner is real: the action's files as a download has them, the user, sudo, tar for caches and
artefacts. Of GitHub's expressions there are those that the action uses; another one is an error.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.paths import asset
from kit.toolchain import packages
from tests.support.environments import ROOT
from tests.support.workflow import action, steps

USER = "nobody"
_OUTCOMES = {True: "success", False: "failure"}
_PASSED_ON = ("UV_", "PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
"""How this machine reaches package indexes."""
_OF_THIS_USER = re.compile("UV_PROJECT_ENVIRONMENT|(UV|PIP)_.*_DIR")
"""Where this user's own caches and environments are: the job's user may not write there."""
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")


@dataclass
class Step:
    """How a step ended; ``outputs`` are what it wrote into GITHUB_OUTPUT."""

    name: str
    outcome: str
    said: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """A machine for one job in a folder of its own; ``cache`` fills a folder and says whether it had something."""

    folder: Path
    environment: Mapping[str, str]
    cache: Callable[[str, Path], bool]
    kept: dict[str, list[str]] = field(default_factory=dict)
    """The names in what was packed as the job's user: caches by key, artefacts by name."""
    ended: dict[str, Step] = field(default_factory=dict)

    @property
    def temp(self) -> Path:
        """RUNNER_TEMP."""
        return self.folder / "temp"

    @property
    def summary(self) -> str:
        """What the job's page shows."""
        return (self.folder / "summary.md").read_text()

    def run(self, **inputs: str) -> str:
        """Run the action; gives its outcome. A name's underscores stand for dashes."""
        given = {name: str(about.get("default", "")) for name, about in action()["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        context = {f"inputs.{name}": self._filled(value, {}) for name, value in given.items()}
        ok = True
        for step in steps():
            if not _holds(str(step.get("if", "success()")), context, ok=ok):
                continue
            done = self._use(step, context) if "uses" in step else self._run(step, context)
            self.ended[done.name] = done
            ok = ok and done.outcome == "success"
            if identity := step.get("id"):
                context[f"steps.{identity}.outcome"] = done.outcome
                context |= {f"steps.{identity}.outputs.{name}": value for name, value in done.outputs.items()}
        return _OUTCOMES[ok]

    def as_user(self, *words: str | Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """A command as the job's user, who may use sudo as on a hosted runner, in this command alone."""
        user = pwd.getpwnam(USER)
        sudoers = self.folder / "sudoers.d"
        become = f"setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups"
        inside = f'mount --bind "{sudoers}" /etc/sudoers.d && exec {become} "$@"'
        return subprocess.run(
            ["unshare", "--mount", "--propagation=private", "sh", "-c", inside, "sh", *words],
            env=dict(environment),
            cwd=self.folder / "work",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _run(self, step: Mapping[str, Any], context: Mapping[str, str]) -> Step:
        output = self._file("output")
        told = {name: self._filled(str(value), context) for name, value in step.get("env", {}).items()}
        environment = {**self.environment, **told, "GITHUB_OUTPUT": str(output)}
        script = self._file("step.sh", self._filled(step["run"], context))
        done = self.as_user("bash", "--noprofile", "--norc", "-eo", "pipefail", script, environment=environment)
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return Step(step["name"], _OUTCOMES[done.returncode == 0], done.stdout, outputs)

    def _use(self, step: Mapping[str, Any], context: Mapping[str, str]) -> Step:
        given = {name: self._filled(str(value), context) for name, value in step["with"].items()}
        path = Path(given["path"])
        if "cache/restore" in step["uses"]:
            hit = self.cache(given["key"], path)
            return Step(step["name"], "success", outputs={"cache-hit": str(hit).lower()})
        packed = self.as_user("tar", "--create", "--file=pack.tar", "-C", path, ".", environment=self.environment)
        if packed.returncode == 0:
            listed = self.as_user("tar", "--list", "--file=pack.tar", environment=self.environment)
            self.kept[given.get("key") or given["name"]] = listed.stdout.split()
        return Step(step["name"], _OUTCOMES[packed.returncode == 0], packed.stdout)

    def _file(self, name: str, content: str = "") -> Path:
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(content)
        shutil.chown(path, USER)
        return path

    def _filled(self, text: str, context: Mapping[str, str]) -> str:
        known = {**context, "github.token": self.environment["TOKEN_OF_THE_JOB"]}
        return _EXPRESSION.sub(lambda found: known.get(found[1], "") if "." in found[1] else _unknown(found[1]), text)


@contextmanager
def runner(event: object, cache: Callable[[str, Path], bool], **environment: str) -> Iterator[Runner]:
    """A runner with the action downloaded, for as long as the block lasts; ``event`` is what the job is about."""
    if shutil.which("sudo") is None:
        packages.install(["sudo"])
    with tempfile.TemporaryDirectory(prefix="runner-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name in ("home", "temp", "work", "action", "bin", "sudoers.d"):
            (folder / name).mkdir()
        _download(folder / "action")
        uv = subprocess.check_output(["sh", str(asset("tools") / "uv.sh")], text=True).strip()
        shutil.copy(uv, folder / "bin" / "uv")
        (folder / "event.json").write_text(json.dumps(event))
        (folder / "summary.md").touch()
        for name in ("home", "temp", "work", "summary.md"):
            shutil.chown(folder / name, USER)
        (folder / "sudoers.d" / USER).write_text(f"{USER} ALL=(ALL) NOPASSWD:ALL\n")
        reached_by = (name for name in os.environ if name.startswith(_PASSED_ON) and not _OF_THIS_USER.fullmatch(name))
        yield Runner(
            folder,
            {
                **{name: os.environ[name] for name in reached_by},
                "CI": "true",
                "HOME": str(folder / "home"),
                "PATH": f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
                "NO_PROXY": "127.0.0.1",
                "RUNNER_TEMP": str(folder / "temp"),
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(folder / "action"),
                "GITHUB_EVENT_PATH": str(folder / "event.json"),
                "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "team/web",
                "GITHUB_RUN_ID": "99",
                **environment,
            },
            cache,
        )


def _download(folder: Path) -> None:
    """The action's files as GitHub packs them: what is tracked, or is about to be."""
    listed = subprocess.check_output(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    )
    packed = subprocess.run(
        ["tar", "--create", "--null", "--ignore-failed-read", "-C", ROOT, "--files-from=-"],
        input=listed,
        stdout=subprocess.PIPE,
        check=True,
    )
    subprocess.run(["tar", "--extract", "--no-same-owner", "-C", folder], input=packed.stdout, check=True)


def _holds(condition: str, context: Mapping[str, str], *, ok: bool) -> bool:
    """A step's condition: a status function, without one success(), and comparisons, joined by &&."""
    terms = condition.removeprefix("${{").removesuffix("}}").strip().split(" && ")
    statuses = {"always()": True, "!cancelled()": True, "success()": ok}
    told = [statuses[term] for term in terms if term in statuses] or [ok]
    return all(told) and all(_compares(term, context) for term in terms if term not in statuses)


def _compares(term: str, context: Mapping[str, str]) -> bool:
    match = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", term)
    if match is None:
        _unknown(term)
        raise AssertionError
    return (context.get(match[1], "") == match[3]) is (match[2] == "==")


def _unknown(expression: str) -> str:
    raise AssertionError(f"the action uses an expression that this runner does not know: {expression}")
