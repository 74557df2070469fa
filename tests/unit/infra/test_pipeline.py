from __future__ import annotations

import subprocess

import pytest

from infra.pipeline import Made, ci_script, up_script

KEY = "0123456789ab"
FORMS = (
    "plain",
    "zstd",
    "soci-v2",
    "soci-v2(span=16MiB)",
    f"soci-v2-prefetch(files={KEY})",
    f"soci-v2-exact(trace={KEY})",
    f"soci-v2-layout(trace={KEY},span=16MiB)",
    f"soci-v2-layout(trace={KEY},prefetch=no)",
    f"soci-v2-own-layer(trace={KEY})",
    f"soci-v2-own-layer(trace={KEY},prefetch=no)",
)


@pytest.mark.parametrize("form", FORMS)
def test_scripts_are_shell_and_name_the_forms_file_beside_them(form: str) -> None:
    ci = ci_script(Made(form, 4 << 20, 10 << 20, "linux/amd64"), ["--ready", "http:8080/a b"])
    up = up_script("web-best", form, ("plain", "soci-v2"), {"images": {"web": {"image": "web's"}}})
    for script in (ci, up):
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert KEY not in up
    assert ("--keep-layers" in ci) == form.startswith("soci-v2-exact")
    assert ("--own-layer" in ci, "--no-prefetch" in ci) == ("own-layer" in form, "prefetch=no" in form)
    assert ("--span-size 16777216" in ci) == ("16MiB" in form)
