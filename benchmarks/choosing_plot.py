"""The picture of `docs/choosing.md`: seconds of every form ÷ plain, by factor. Pure but for the drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import grid
from benchmarks.points import Point

WIDTH, ROW_HEIGHT, ROW_GAP = 560, 15, 10
CONTROL = "plain"
COLOURS = {
    "plain": "#6b7280",
    "zstd": "#c9540c",
    "soci-v2": "#0068a8",
    "soci-v2-exact": "#00805f",
    "soci-v2-layout": "#8c3f86",
}
"""Readable on white and on dark pages; the hues are those of the report's plots."""


def rows(points: Sequence[Point]) -> Iterator[dict[str, Any]]:
    """One mark per form of a point: ratio to plain and the ends of its interval."""
    for label, point in grid.found(points):
        for form in point.forms:
            ratio = point.ratio(form, CONTROL) if form != CONTROL else None
            if ratio is None:
                continue
            low, high = (ratio.interval.low, ratio.interval.high) if ratio.interval else (ratio.ratio, ratio.ratio)
            yield {"point": label, "form": form, "ratio": ratio.ratio, "low": low, "high": high}


def svg(points: Sequence[Point]) -> str:
    """The whole picture."""
    import altair as alt
    import vl_convert  # starts a JavaScript engine, so only when a plot is drawn

    data = list(rows(points))
    labels = list(dict.fromkeys(row["point"] for row in data))
    forms = [form for form in COLOURS if any(row["form"] == form for row in data)]
    base = alt.Chart(alt.Data(values=data)).encode(
        y=alt.Y("point:N", sort=labels, title=None, axis=alt.Axis(labelLimit=420, grid=True, ticks=False)),
        yOffset=alt.YOffset("form:N", sort=forms),
        color=alt.Color(
            "form:N",
            scale=alt.Scale(domain=forms, range=[COLOURS[form] for form in forms]),
            legend=alt.Legend(orient="top", title=None),
        ),
    )
    scale = alt.Scale(type="log", domain=[0.05, 2], nice=False, clamp=True)
    axis = alt.Axis(values=[0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2], format="~g")
    title = "seconds until ready ÷ plain (log scale; line: 95 % interval)"
    intervals = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=scale, title=title, axis=axis), x2="high:Q"
    )
    ratios = base.mark_point(filled=True, size=45, opacity=1).encode(x=alt.X("ratio:Q", scale=scale))
    one = alt.Chart(alt.Data(values=[{"one": 1}])).mark_rule(strokeDash=[4, 3], color="#59636e").encode(x="one:Q")
    height = len(labels) * (len(forms) * ROW_HEIGHT * 0.6 + ROW_GAP)
    chart = alt.layer(one, intervals, ratios).properties(width=WIDTH, height=height, background="white")
    styled = chart.configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#e3e6ea")
    return str(vl_convert.vegalite_to_svg(styled.to_dict())) + "\n"
