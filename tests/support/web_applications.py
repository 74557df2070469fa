"""Images of web applications as people have them, made without any image registry: Python's Flask, Node's Express.

Runtime and libraries are Debian's packages, as one layer; a Dockerfile adds the application. Nothing in them knows of
this project: no boot report, no readiness of their own, one exposed port. There is no shell, as in a distroless image.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from infra.oci.buildkit import BuildRequest, ImageInLayout, build
from infra.oci.layout import only_digest
from infra.settings.values import machine_platform
from infra.sources import base
from kit.files import made_once
from kit.paths import cache_dir
from kit.scratch import scratch
from kit.toolchain.toolbox import tool


@dataclass(frozen=True)
class Application:
    """Debian packages that it needs, a Dockerfile on a base that holds them, and the application's files."""

    packages: tuple[str, ...]
    dockerfile: str
    files: Mapping[str, str]

    @property
    def key(self) -> str:
        """A name for what the image holds."""
        return hashlib.sha256(repr((asdict(self), machine_platform())).encode()).hexdigest()[:16]


FLASK_APP = """
from flask import Flask, jsonify, render_template_string

app = Flask(__name__)
PAGE = "<!doctype html><title>Shop</title><ul>{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>"


@app.get("/")
def index():
    return render_template_string(PAGE, items=["apples", "pears"])


@app.get("/health")
def health():
    return jsonify(status="ok")
"""

EXPRESS_APP = """
'use strict';
const express = require('express');

const app = express();
app.get('/', (request, response) => response.json({ items: ['apples', 'pears'] }));
app.get('/health', (request, response) => response.json({ status: 'ok' }));
app.listen(3000, () => console.log('listening on 3000'));
"""

APPLICATIONS = {
    "python": Application(
        packages=("base-files", "gunicorn", "python3-flask"),
        dockerfile="""
FROM base
RUN ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", \\
     "/usr/lib/python3", "/usr/lib/python3.11"]
WORKDIR /srv/shop
COPY app.py ./
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "app:app"]
""",
        files={"app.py": FLASK_APP},
    ),
    "node": Application(
        packages=("base-files", "nodejs", "node-express"),
        dockerfile="""
FROM base
ENV NODE_ENV=production
WORKDIR /srv/shop
COPY server.js package.json ./
USER 1000:1000
EXPOSE 3000
CMD ["node", "server.js"]
""",
        files={"server.js": EXPRESS_APP, "package.json": '{"name": "shop", "version": "1.0.0", "main": "server.js"}'},
    ),
}


def image(name: str) -> ImageInLayout:
    """The image of an application for this machine, made once for all tests to come."""
    application = APPLICATIONS[name]
    place = made_once(cache_dir() / "tests" / f"web-{name}-{application.key}", partial(_make, application))
    return ImageInLayout(place, only_digest(place))


def push(name: str, repository: str) -> str:
    """Push an application's image under the tag ``1``; gives its reference, ``host:port/repository:1``."""
    made, reference = image(name), f"{repository}:1"
    plain = ("--host", f"reg={repository.partition('/')[0]},tls=disabled")
    words = [tool("regctl"), "image", "copy", *plain, f"ocidir://{made.layout}@{made.digest}", reference]
    subprocess.run(words, check=True, capture_output=True)
    return reference


def _make(application: Application, destination: Path) -> None:
    architecture = machine_platform().partition("/")[2]
    with scratch("web") as room:
        layer = base.debian_layer(application.packages, architecture, room)
        base.write_single_layer(room / "base", layer, architecture, {"Env": [f"PATH={base.PATH}"]})
        context = room / "context"
        context.mkdir()
        for path, content in {"Dockerfile": application.dockerfile, **application.files}.items():
            (context / path).write_text(content.lstrip())
        packages = ImageInLayout(room / "base", only_digest(room / "base"))
        build(BuildRequest(context, "Dockerfile", machine_platform(), images={"base": packages}), destination)
