"""The benchmarks' web images: a small one of the kind is built by the same Dockerfile, the same twice, and starts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from benchmarks.web_images import FOLDER, WebImage, request
from infra.lab.profiles import profile
from infra.oci.buildkit import build
from infra.settings.model import Settings
from infra.trace.record import Wanted
from infra.trace.trace import trace

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
READY = "http:8000/health"
PACKAGES = ("click", "h11", "uvicorn")
"""What a server needs; of the versions of the large image."""
APPLICATION = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""


def small(folder: Path) -> WebImage:
    """The Python image with hardly anything in it."""
    folder.mkdir()
    shutil.copy(FOLDER / "python-web" / "Dockerfile", folder)
    entries = re.split(r"\n(?=\w)", (FOLDER / "python-web" / "requirements.txt").read_text())  # each with its digests
    (folder / "requirements.txt").write_text("\n".join(it for it in entries if it.split("==")[0] in PACKAGES))
    (folder / "app.py").write_text(APPLICATION)
    interpreter = ("python3-minimal", "libpython3-stdlib")
    return WebImage("python-web", interpreter, READY, base=("coreutils", "dash"), files=folder)


def test_the_same_packages_give_the_same_image_and_it_starts(own_data: Path, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    wanted = request(small(tmp_path / "files"), tmp_path / "room")
    one, other = (build(wanted, tmp_path / name) for name in ("one", "other"))  # each by a builder without a cache
    assert one.digest == other.digest
    settings = Settings.parse({"variants": [], "images": {"it": {"image": f"oci:{tmp_path / 'one'}", "ready": READY}}})
    settings = settings.model_copy(update={"min_layer_size": 0})
    done = trace("it", settings, Wanted(settings.images["it"], profile("unshaped"), settings.platform, 60), str)
    read = {file.path for file in done.files if file.ranges}
    assert "srv/shop/app.py" in read
    assert any(path.startswith("usr/local/lib/python3.11/dist-packages/uvicorn/") for path in read)
    assert any(path.endswith(".pyc") for path in read)
    assert len(done.layers) == 6
