"""A real headless Chromium for tests, driven over its DevTools protocol through a pipe: no driver, no port, no network.

As a program it takes screenshots of a page at desktop and phone width, light and dark:

    python -m tests.support.browser report.html FOLDER

``python -m tests.support.browser --install`` installs the browser (a Debian package) if it is missing.
"""

from __future__ import annotations

import base64
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

PACKAGE = "chromium"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESK, PHONE = 1280, 390
HEIGHTS = {DESK: 800, PHONE: 844}
ANSWER_SECONDS = 120
_PR_SET_PDEATHSIG = 1
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--disable-extensions", "--remote-debugging-pipe"),
)


def program() -> str | None:
    """The path of the browser, or `None` if there is none on PATH."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """One running browser with one page open."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a DevTools command and return its result; keep the events that arrive meanwhile."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._requests.write(json.dumps(message).encode() + b"\0")
        self._requests.flush()
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, page: Path, width: int, *, dark: bool = False) -> None:
        """Load a file on a screen of this width, and forget the events of the page before."""
        phone = width < 700
        metrics = {"width": width, "height": HEIGHTS[width], "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.emulate("screen", dark=dark)
        self.events.clear()
        self.call("Page.navigate", url=page.absolute().as_uri())
        while not self.happened("Page.loadEventFired"):
            self._receive()

    def emulate(self, media: str, *, dark: bool = False) -> None:
        """Show the page on this medium in this colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def happened(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every such event since the page was opened."""
        return [event["params"] for event in self.events if event["method"] == method]

    def complaints(self) -> list[str]:
        """Every console message, every entry of the browser's log and every exception."""
        printed = [str(event["args"]) for event in self.happened("Runtime.consoleAPICalled")]
        logged = [event["entry"]["text"] for event in self.happened("Log.entryAdded")]
        thrown = [str(event["exceptionDetails"]) for event in self.happened("Runtime.exceptionThrown")]
        return printed + logged + thrown

    def requests(self) -> list[str]:
        """The URL of every request, including that for the page itself."""
        return [event["request"]["url"] for event in self.happened("Network.requestWillBeSent")]

    def screenshot(self, path: Path, *, whole: bool = True) -> bytes:
        """The page as PNG, all of it or what is visible without scrolling; also written to ``path``."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(shot["data"]))
        return path.read_bytes()

    def pdf(self, path: Path) -> bytes:
        """The page as printed on A4; also written to ``path``."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(printed["data"]))
        return path.read_bytes()

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            data = os.read(self._answers.fileno(), 1 << 20) if ready else b""
            if not data:
                raise AssertionError("the browser ended or does not answer")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with an empty profile; both are removed afterwards."""
    path = program()
    if path is None:
        raise AssertionError(f"There is no {PACKAGE}. `python -m tests.support.browser --install` installs it.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, _pipes() as (ours, theirs):
        argv = [path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(argv, preexec_fn=lambda: _child(*theirs), close_fds=False, **quiet) as process:
            for end in theirs:
                os.close(end)
            try:
                opened = Browser(*ours)
                yield opened
                opened.call("Browser.close")
            finally:
                _end(process)


def _child(commands: int, answers: int) -> None:
    """Set up the new process: the browser reads commands from descriptor 3, answers on 4 and dies with its parent."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(commands, 3)
    os.dup2(answers, 4)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()


@contextmanager
def _pipes() -> Iterator[tuple[tuple[BinaryIO, BinaryIO], tuple[int, int]]]:
    """Our ends (write, read) and the browser's (read, write); the browser's have numbers above 9."""
    commands, answers = os.pipe(), os.pipe()
    theirs = fcntl.fcntl(commands[0], fcntl.F_DUPFD, 10), fcntl.fcntl(answers[1], fcntl.F_DUPFD, 10)
    os.close(commands[0])
    os.close(answers[1])
    with os.fdopen(commands[1], "wb") as requests, os.fdopen(answers[0], "rb") as replies:
        yield (requests, replies), theirs


def screenshots(page: Path, folder: Path) -> list[Path]:
    """Take screenshots of the whole page at desktop and phone width, light and dark; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    with browser() as opened:
        for width, name in ((DESK, "desk"), (PHONE, "phone")):
            for dark in (False, True):
                path = folder / f"{page.stem}-{name}-{'dark' if dark else 'light'}.png"
                opened.open(page, width, dark=dark)
                opened.screenshot(path)
                taken.append(path)
    return taken


def install() -> None:
    """Install the browser if it is missing; raise `MachineError` if that is not possible."""
    from kit.toolchain import packages

    if program() is None:
        packages.require_able([PACKAGE])
        packages.install([PACKAGE])


def main(arguments: list[str]) -> int:
    """Run the program and return its exit code."""
    from kit.errors import SociometerError

    try:
        if arguments == ["--install"]:
            install()
        else:
            page, folder = (Path(argument) for argument in arguments)
            print(*screenshots(page, folder), sep="\n")
    except SociometerError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
