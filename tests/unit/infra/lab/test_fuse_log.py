"""What is read in the soci-snapshotter's log of requests. The lines are those of a real one, 0.16.0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.lab.fuse_log import OPEN, READ, Access, accesses


def operation(name: str, path: str, time: str) -> str:
    head = '{"level":"debug","msg":"FUSE operation","operation":"'
    return f'{head}{name}","path":"{path}","time":"2026-11-26T19:12:{time}Z"}}'


LOG = "\n".join(
    (
        '{"level":"info","msg":"background fetch is disabled","time":"2026-11-26T19:12:38.475027084Z"}',
        operation("node.Lookup", "app", "40.476145371"),
        operation("node.Open", "app/main.py", "40.477145371"),
        operation("file.Read", "app/main.py", "40.477333774"),
        operation("node.Readlink", "app/soft", "40.478"),
        operation("node.Open", 'e/caf\u00e9 x\\"y', "41"),
        operation("node.Getattr", "node.Open", "42"),
        operation("node.Open", "app/half", "43")[:70],
    )
)
SECOND = 1_795_720_360 * 10**9
"""2026-11-26T19:12:40Z"""


def test_files_that_were_opened_and_read_are_told_in_order_with_their_times() -> None:
    assert list(accesses(LOG)) == [
        Access(OPEN, "app/main.py", SECOND + 477_145_000),
        Access(READ, "app/main.py", SECOND + 477_333_000),
        Access(OPEN, 'e/caf\u00e9 x"y', SECOND + 10**9),
    ]


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_text_is_a_log(text: str) -> None:
    assert list(accesses(text)) == []
