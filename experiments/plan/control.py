"""What the treatments of a sweep are compared with: a form of the same image, another image in the same form, or one
treatment of all. Pure.

The control also decides which rounds stand together in a block (`Control.group`): a treatment next to its control.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import model_validator

from infra.outputs import CONTROL
from kit.errors import SettingsError
from kit.values import Frozen

Named = tuple[str, str]
"""A variant and its form."""


class Control(Frozen):
    """A variant, a form, or both; what is left open is that of the treatment that is compared."""

    variant: str | None = None
    form: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Control:
        if self.variant is None and self.form is None:
            raise ValueError("a control names a variant, a form, or both")
        return self

    @classmethod
    def parse(
        cls, text: str, variants: Sequence[str], forms: Sequence[str], canonical: Callable[[str], str] = str
    ) -> Control:
        """From ``before``, ``soci-v2`` or ``before:soci-v2``, of a plan's variants and forms.

        ``canonical`` gives the canonical text of a form. Raises `SettingsError` for what is neither, or could be both.
        """
        if text in variants and text in forms:
            raise SettingsError(f"--control {text} is an image and a form. Give the image another name.")
        if text in variants:
            return cls(variant=text)
        variant, colon, form = text.partition(":")
        whole = bool(colon) and variant in variants
        wanted = form if whole else text
        if wanted not in forms:
            try:
                wanted = canonical(wanted)
            except SettingsError:
                wanted = ""
        if wanted not in forms:
            raise SettingsError(
                f"--control {text!r} is not measured. Allowed: an image ({', '.join(variants)}), a form "
                f"({', '.join(forms)}), or both, such as {variants[0]}:{forms[0]}."
            )
        return cls(variant=variant if whole else None, form=wanted)

    def of(self, variant: str, form: str) -> Named | None:
        """The treatment that this one is compared with; None for one that is a control itself."""
        control = self.variant or variant, self.form or form
        return None if control == (variant, form) else control

    def group(self, variant: str, form: str) -> Named:
        """What is the same of treatments that are compared with each other; equal for those that stand together."""
        return "" if self.variant else variant, "" if self.form else form

    @property
    def text(self) -> str:
        """As `--control` names it."""
        return ":".join(name for name in (self.variant, self.form) if name)

    def __str__(self) -> str:
        """As sentences name it: `before`, `soci-v2`, `before as soci-v2`."""
        return " as ".join(name for name in (self.variant, self.form) if name)


def beside(treatment: Named, other: Named) -> str:
    """Name a treatment by what it differs in from another: its form, its image, or both."""
    (variant, form), (other_variant, other_form) = treatment, other
    if variant == other_variant:
        return form
    return variant if form == other_form else f"{variant} as {form}"


PLAIN = Control(form=CONTROL)
"""The control of a plan that names none: each image as it is."""
