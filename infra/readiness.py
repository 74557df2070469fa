"""When a task counts as ready, in one text: `http:8080/health`, `tcp:8080`, `log:REGEX`, `exit:0`, `healthcheck`.

Faces settings and the command line (`parse`), stack outputs (the text), and whoever watches a task. Pure.

- ``http:PORT[/PATH]``: the path is answered with 200. Any other answer is not ready: no redirect is followed.
- ``tcp:PORT``: the port accepts a connection.
- ``port:PORT``: as ``http:PORT/``; what does not speak HTTP is ready as soon as it accepts. The default.
- ``log:REGEX``: a line of the container's output matches.
- ``exit:CODE``: the container has ended with that code. For jobs: the boot is the whole run.
- ``healthcheck``: the image's own HEALTHCHECK succeeds.

A port is asked at the task's own address. A server that listens on 127.0.0.1 alone is never ready: nobody could use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from infra.oci.config import ImageConfig
from infra.outputs import AUTO_READY, VariantOutput
from kit.errors import SettingsError

Kind = Literal["http", "tcp", "port", "log", "exit", "healthcheck"]
KINDS = "http:8080/health, tcp:8080, log:REGEX, exit:0 or healthcheck"


@dataclass(frozen=True)
class Ready:
    """What makes a task ready. ``port``, ``path``, ``pattern`` and ``code`` belong to the kinds that name them."""

    kind: Kind
    port: int = 0
    path: str = "/"
    pattern: str = ""
    code: int = 0

    def __str__(self) -> str:
        """The text that `parse` reads."""
        match self.kind:
            case "http":
                return f"http:{self.port}{self.path}"
            case "tcp" | "port":
                return f"{self.kind}:{self.port}"
            case "log":
                return f"log:{self.pattern}"
            case "exit":
                return f"exit:{self.code}"
            case "healthcheck":
                return "healthcheck"


def parse(text: str) -> Ready:
    """Read a readiness; raises `SettingsError` that says what is wrong with it."""
    kind, colon, rest = text.strip().partition(":")
    match kind:
        case "http":
            port, slash, path = rest.partition("/")
            if re.search(r"\s", path):
                raise _wrong(text, "a path holds no spaces")
            return Ready("http", _port(text, port), slash + path or "/")
        case "tcp":
            return Ready("tcp", _port(text, rest))
        case "port":
            return Ready("port", _port(text, rest))
        case "log":
            return Ready("log", pattern=_pattern(text, rest))
        case "exit":
            return Ready("exit", code=_number(text, rest, 255, "an exit code"))
        case "healthcheck" if not colon:
            return Ready("healthcheck")
    raise _wrong(text, f"it is none of {KINDS}")


def of_image(variant: VariantOutput, config: ImageConfig) -> Ready:
    """The readiness of a variant's tasks: what the stack says, else the image's one exposed port.

    Raises `SettingsError` with what to give where the image has none, or several.
    """
    if variant.ready is None:
        return Ready("http", variant.port, variant.health_path)
    return concrete(variant.name, variant.ready, config)


def concrete(name: str, text: str, config: ImageConfig) -> Ready:
    """What a readiness means for an image; raises `SettingsError` where the image has not what it needs."""
    if text == AUTO_READY:
        return from_config(name, config)
    ready = parse(text)
    if ready.kind == "healthcheck" and config.health_command is None:
        raise SettingsError(f"The image of {name} has no HEALTHCHECK. Say when a task is ready, with --ready: {KINDS}.")
    return ready


def from_config(name: str, config: ImageConfig) -> Ready:
    """The one exposed port of an image; ``name`` is what the error calls it."""
    match config.tcp_ports:
        case (port,):
            return Ready("port", port)
        case ():
            exposed = "exposes no port"
        case ports:
            exposed = f"exposes the ports {', '.join(map(str, ports))}"
    raise SettingsError(f"The image of {name} {exposed}. Say when a task is ready, with --ready: {KINDS}.")


def _port(text: str, digits: str) -> int:
    port = _number(text, digits, 65535, "a port")
    if port == 0:
        raise _wrong(text, "port 0 cannot be asked")
    return port


def _number(text: str, digits: str, most: int, what: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > most:
        raise _wrong(text, f"{digits!r} is not {what} (0 to {most})")
    return int(digits)


def _pattern(text: str, pattern: str) -> str:
    if not pattern:
        raise _wrong(text, "the regular expression is missing")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise _wrong(text, f"the regular expression cannot be compiled: {error}") from error
    return pattern


def _wrong(text: str, why: str) -> SettingsError:
    return SettingsError(f"ready {text!r}: {why}. Say how the task shows that it works: {KINDS}.")
