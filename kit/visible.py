"""Text of others as it may be shown: nothing in it moves the cursor, reverses what follows, or cannot be written."""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 2000
"""Of one line of a message; a name or value that is longer says nothing more."""
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_LINE_OF_THEIRS = re.compile(r"\n(?!  |- )")
_KEPT_AT_END = 500


def visible(text: str) -> str:
    """Return the text with control, direction and zero-width characters escaped; line ends and tabs stay.

    A name could otherwise reverse the reading direction of the text after it, or send commands to a terminal.
    """
    if text.isprintable():
        return text
    return "".join(
        f"\\u{ord(letter):04x}" if unicodedata.category(letter) in _INVISIBLE and letter not in "\n\t" else letter
        for letter in text
    )


def is_plain(text: str) -> bool:
    """Whether the text is one line of characters that can be seen, and written as UTF-8."""
    return "\n" not in text and "\t" not in text and visible(text) == text


def is_utf8(text: str) -> bool:
    """Whether the text can be written as UTF-8: bytes of an argument that are none, and halves of pairs, cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def message(text: str) -> str:
    """A message for people: visible, and each line cut. Further lines of ours are indented, or points of a list; any
    other line break is one of a name or value, and shown as such, so that it cannot pass for a line of ours."""
    return "\n".join(map(_cut, visible(_LINE_OF_THEIRS.sub(r"\\n", text).replace("\t", "\\t")).split("\n")))


def _cut(line: str) -> str:
    if len(line) <= MOST_CHARACTERS:
        return line
    left_out = len(line) - MOST_CHARACTERS
    return f"{line[: MOST_CHARACTERS - _KEPT_AT_END]}… ({left_out} characters) …{line[-_KEPT_AT_END:]}"
