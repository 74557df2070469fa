from __future__ import annotations

import pytest

from infra import lab_stack
from infra.settings.model import Settings
from kit.errors import ImageError


def test_an_image_that_cannot_be_found_leaves_no_registry_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        pytest.fail("a resource was declared before the images were found")

    monkeypatch.setattr(lab_stack, "LabRegistry", refused)
    with pytest.raises(ImageError, match="There is no folder"):
        lab_stack.lab(Settings.model_validate({"images": {"web": {"image": "oci:/not/here"}}}))
