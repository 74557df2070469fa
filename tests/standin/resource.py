"""What a stand-in must know of one type of resource."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from tests.standin.values import Properties


class Resource(ABC):
    """One type: which inputs it understands, which of them force a replacement, and how it is made and unmade.

    Values are plain, with the property names of the Pulumi schema. `read` gives only what can be compared with the
    inputs, and outputs; of a resource that is gone it gives None.
    """

    inputs: ClassVar[frozenset[str]]
    """Every input that is understood; any other is refused."""

    replaces: ClassVar[frozenset[str]] = frozenset()
    """Inputs that are ForceNew in the schema which pulumi-aws bridges; all others are updated in place."""

    computed: ClassVar[frozenset[str]] = frozenset()
    """Outputs that nobody knows before it exists."""

    changing: ClassVar[frozenset[str]] = frozenset()
    """Outputs that an update may change."""

    delete_before_replace: ClassVar[bool] = False
    """There can be only one of it at a time (pulumi-aws's own mark)."""

    name_property: ClassVar[str | None] = None
    """The input that gets a name of the engine's making when the program gives none."""

    name_limit: ClassVar[int] = 255
    """Length of such a name at most."""

    def check(self, inputs: Properties, olds: Properties) -> Properties:
        """Complete the inputs (``olds`` are the former ones), or raise for what must not even be tried."""
        return inputs

    def compared(self, inputs: Properties) -> Properties:
        """What of the inputs counts for a difference."""
        return inputs

    @abstractmethod
    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Make it; gives its id, and outputs that `read` does not know."""

    @abstractmethod
    def read(self, identity: str, known: Properties) -> Properties | None:
        """What is really there now; ``known`` is what the state says."""

    @abstractmethod
    def update(self, identity: str, old: Properties, new: Properties) -> Properties:
        """Change it in place, from old inputs to new ones; gives outputs that `read` does not know."""

    @abstractmethod
    def delete(self, identity: str, known: Properties) -> None:
        """Unmake it; no error when it is gone already."""
