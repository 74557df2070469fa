"""What a container prints on its standard output and error, in a file on its host: read from the end, in bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from infra.lab.probe import Answer

MOST_BYTES = 1 << 20
"""At each look: a container may print without end."""
MOST_WORDS_BYTES = 4096


@dataclass(frozen=True)
class ContainerLog:
    """The file; it is not there before the container is."""

    path: Path

    def look(self, pattern: str) -> Answer:
        """Whether a line matches by now."""
        found = re.search(pattern, self._end(MOST_BYTES), re.MULTILINE) is not None
        return Answer(found, f"no line of its output matches {pattern!r}")

    def last_words(self) -> str:
        """The last lines, in a sentence."""
        lines = self._end(MOST_WORDS_BYTES).strip().splitlines()[-3:]
        return f"It said: {' / '.join(lines)[-400:]}" if lines else "It said nothing."

    def _end(self, most_bytes: int) -> str:
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - most_bytes))
            return file.read(most_bytes).decode(errors="replace")
