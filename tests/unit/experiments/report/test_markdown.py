from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt

from experiments import wording
from experiments.report.formats import Report
from experiments.report.markdown import escaped, markdown

HOSTILE = "<script>alert(1)</script> | `x` *b* [l](http://x) @someone $x$ ![i](y) &amp; ~~s~~ # h"


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


def test_the_verdict_is_the_heading(report: Report) -> None:
    [heading] = re.findall("<h3>(.*?)</h3>", rendered(markdown(report.contents)))
    assert heading == report.contents.analysis.headline


def test_every_comparison_is_a_row_with_all_its_columns(report: Report) -> None:
    page = rendered(markdown(report.contents))
    for comparison in report.contents.analysis.comparisons:
        assert f'<td style="text-align:right">{wording.change(comparison.ratio)}</td>' in page
    for table in re.findall("<table>(.*?)</table>", page, re.DOTALL):
        _, *rows = re.findall("<tr>(.*?)</tr>", table, re.DOTALL)
        assert {row.count("</td>") for row in rows} == {table.count("</th>")}


def test_a_hostile_text_is_shown_as_it_is() -> None:
    assert rendered(escaped(HOSTILE)).strip() == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt; | `x` *b* [l](http://x) @someone $x$ ![i](y) &amp;amp; ~~s~~ # h</p>"
    )


def test_a_line_break_cannot_end_a_table_row() -> None:
    assert escaped("a\n| b\r\nc") == r"a \| b c"


def test_a_simulation_says_so_before_anything_else(reported: Callable[..., Report]) -> None:
    assert markdown(reported(metadata={"target": "sim"}).contents).startswith("**SIMULATED")


def test_what_was_left_out_and_the_command_are_there(report: Report) -> None:
    page = rendered(markdown(report.contents))
    assert "scripted: timeout" in page
    assert f"<code>{report.contents.command}</code>" in page
    assert page.count("<details>") == page.count("</details>")
