"""Every figure on the page, checked against a second computation from the CSV export in plain Python."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from statistics import geometric_mean, mean, median, quantiles, stdev

import pytest
from scipy.stats import binomtest

from experiments.analysis.left_out import TASKS
from experiments.records.model import Outcome
from experiments.report import plots
from experiments.report.export import to_csv
from experiments.report.formats import Report, read, to_html
from experiments.report.plots.style import Panel
from experiments.store.store import Store
from experiments.sweep import start
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor
from tests.support.pages import bars, dots, tables, texts

pytestmark = pytest.mark.slow

PHASES = ("connect", "pull", "start", "ready", "boot")
T_QUANTILE = {2: 4.302653, 3: 3.182446, 4: 2.776445}
"""97.5 % quantiles of Student's t by degrees of freedom, from a printed table."""
COLOURS = {"plain": "form-plain", "soci-v2": "form-2"}
Row = dict[str, str]
Place = tuple[str, str, int]
Page = dict[tuple[str, str], list[dict[str, str]]]
Figures = dict[str, list[Panel]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of this file's own: nearly every test reads the same sweep."""
    with Store(tmp_path_factory.mktemp("store") / "store.sqlite", write=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(store: Store) -> Report:
    """Two variants, two forms, one and three tasks, five blocks; some rounds failed, timed out or were not lazy."""
    plan = small_plan(variants=("movie", "parquet"), task_counts=(1, 3), blocks=5)
    script = {2: [Outcome.TIMEOUT], 9: [Outcome.NOT_LAZY], 14: [Outcome.FAILED], 17: [Outcome.FAILED] * 3}
    executor = FakeExecutor(stack_outputs(), script=script, seed=3, metadata={"target": "lab"})
    return read(store, start(store, executor, plan, "lab", stack_outputs(), lambda _: None))


@pytest.fixture(scope="module")
def page(report: Report) -> Page:
    """The tables of the HTML page."""
    return tables(to_html(report))


@pytest.fixture(scope="module")
def figures(report: Report) -> Figures:
    """What is drawn, by the figure's name."""
    drawn = plots.figures(report.tasks, report.contents.analysis)
    by_name = {figure.name: list(figure.panels) for figure in drawn}
    assert len(by_name) == len(drawn)
    return by_name


@pytest.fixture(scope="module")
def rows(store: Store, report: Report) -> list[Row]:
    """The CSV export."""
    return list(csv.DictReader(io.StringIO(to_csv(store.rounds(report.contents.summary.sweep_id)))))


@pytest.fixture(scope="module")
def measured(rows: list[Row]) -> list[Row]:
    """The tasks that count as measurements."""
    return [row for row in rows if row["outcome"] == "booted" and row["round_status"] == "complete"]


def place(row: Row) -> Place:
    return (row["variant"], row["form"], int(row["task_count"]))


def of(rows: Iterable[Row], treatment: Place, phase: str) -> list[float]:
    return [float(row[f"{phase}_seconds"]) for row in rows if place(row) == treatment]


def blocks(rows: Iterable[Row], treatment: Place, phase: str) -> dict[int, float]:
    """The median of each block's round."""
    by_block: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if place(row) == treatment:
            by_block[int(row["block"])].append(float(row[f"{phase}_seconds"]))
    return {block: median(values) for block, values in by_block.items()}


def digits(value: float) -> str:
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def percent(ratio: float) -> float:
    return (ratio - 1) * 100


def as_number(text: str) -> float:
    return float(text.removesuffix(" %").replace("−", "-"))  # noqa: RUF001


def test_seconds_quartiles_and_extremes_of_every_treatment(page: Page, measured: list[Row]) -> None:
    shown = {title: table for (section, title), table in page.items() if section == "Every treatment"}
    assert list(shown) == ["movie", "parquet"]
    for variant, table in shown.items():
        assert len(table) == 4
        for row in table:
            treatment = (variant, row["form"], int(row["tasks"]))
            for phase in PHASES:
                values = of(measured, treatment, phase)
                lower, _, upper = quantiles(values, n=4, method="inclusive")
                assert row[phase].split("|") == [
                    digits(geometric_mean(blocks(measured, treatment, phase).values())),
                    f"{digits(lower)}–{digits(upper)}",  # noqa: RUF001
                    f"{digits(min(values))}–{digits(max(values))}",  # noqa: RUF001
                ]


def test_tasks_and_outcomes_of_every_treatment(page: Page, rows: list[Row]) -> None:
    for (section, variant), table in page.items():
        for row in table if section == "Every treatment" else ():
            treatment = (variant, row["form"], int(row["tasks"]))
            ran = [task for task in rows if place(task) == treatment]
            complete = [task for task in ran if task["round_status"] == "complete"]
            booted = sum(task["outcome"] == "booted" for task in complete)
            ends = binomtest(booted, len(complete)).proportion_ci(0.95, method="exact")
            outcomes = sorted(Counter(task["outcome"] for task in ran).items())
            assert row["booted"] == (
                f"{booted} of {len(complete)} ({100 * ends.low:.0f}\N{EN DASH}{100 * ends.high:.0f} %)"
            )
            assert row["outcomes"] == ", ".join(f"{count} {TASKS[outcome]}" for outcome, count in outcomes)


def test_every_comparison_with_its_interval(page: Page, measured: list[Row]) -> None:
    compared = 0
    for (section, variant), table in page.items():
        for row in table if section == "Every comparison" else ():
            if row["form"].endswith(", as deployed"):
                continue
            form = blocks(measured, (variant, row["form"], int(row["tasks"])), row["phase"])
            control = blocks(measured, (variant, "plain", int(row["tasks"])), row["phase"])
            both = sorted(form.keys() & control.keys())
            logs = [math.log(form[block] / control[block]) for block in both]
            half = T_QUANTILE[len(logs) - 1] * stdev(logs) / math.sqrt(len(logs))
            assert int(row["blocks"]) == len(both)
            assert row["control, s"] == digits(geometric_mean([control[block] for block in both]))
            assert row["form, s"] == digits(geometric_mean([form[block] for block in both]))
            saved = geometric_mean([control[block] for block in both]) - geometric_mean([form[block] for block in both])
            assert as_number(row["saved, s"].partition(" (")[0]) == pytest.approx(saved, abs=0.051)
            assert as_number(row["change"]) == pytest.approx(percent(math.exp(mean(logs))), abs=0.51)
            low, high = row["95 % interval"].split(" to ")
            assert as_number(low) == pytest.approx(percent(math.exp(mean(logs) - half)), abs=0.51)
            assert as_number(high) == pytest.approx(percent(math.exp(mean(logs) + half)), abs=0.51)
            compared += 1
    assert compared == 2 * 2 * 4


def test_the_effect_over_all_task_counts(page: Page, measured: list[Row]) -> None:
    shown = page["Over all task counts", ""]
    assert [row["image"] for row in shown] == ["movie", "parquet"]
    for row in shown:
        form_1, plain_1, form_3, plain_3 = sides = [
            blocks(measured, (row["image"], form, count), "boot") for count in (1, 3) for form in ("soci-v2", "plain")
        ]
        both = sorted(set.intersection(*map(set, sides)))
        means = [math.log(form_1[block] / plain_1[block] * form_3[block] / plain_3[block]) / 2 for block in both]
        half = T_QUANTILE[len(means) - 1] * stdev(means) / math.sqrt(len(means))
        assert int(row["blocks"]) == len(both)
        assert as_number(row["change"]) == pytest.approx(percent(math.exp(mean(means))), abs=0.51)
        low, high = row["95 % interval"].split(" to ")
        assert as_number(low) == pytest.approx(percent(math.exp(mean(means) - half)), abs=0.51)
        assert as_number(high) == pytest.approx(percent(math.exp(mean(means) + half)), abs=0.51)


def test_the_last_task_of_each_round(page: Page, rows: list[Row]) -> None:
    shown = [row for row in page["The slowest tasks", ""] if row["until"] == "all"]
    assert [(row["image"], row["form"]) for row in shown] == [
        (variant, form) for variant in ("movie", "parquet") for form in ("plain", "soci-v2")
    ]
    for row in shown:
        ends: dict[int, list[float]] = defaultdict(list)
        for task in rows:
            if place(task) == (row["image"], row["form"], 3) and task["round_status"] == "complete":
                ends[int(task["round"])].append(float(task["boot_seconds"] or "inf"))
        lasts = [max(of_round) for of_round in ends.values()]
        assert row["rounds"] == str(len(lasts))
        unknown = sum(map(math.isinf, lasts))
        assert row["seconds"] == ("–" if unknown else digits(geometric_mean(lasts)))  # noqa: RUF001
        assert (f"never got there in {unknown} of" in row["note"]) == bool(unknown)


def test_what_was_left_out_is_everything_else(page: Page, rows: list[Row], measured: list[Row]) -> None:
    shown = page["What was left out and why", ""]
    tasks = sum(int(row["count"]) for row in shown if row["what"].startswith("task "))
    assert tasks == len(rows) - len(measured) > 0
    attempts = {(row["round"], row["attempt"]) for row in rows if row["round_status"] != "complete"}
    assert sum(int(row["count"]) for row in shown if row["what"].startswith("round ")) == len(attempts) > 0


def test_every_task_is_a_point_at_its_duration(figures: Figures, measured: list[Row]) -> None:
    for drawn, variant in zip(figures["tasks"], ("movie", "parquet"), strict=True):
        of_variant = [row for row in measured if row["variant"] == variant]
        most = max(float(row["boot_seconds"]) for row in of_variant)
        scale = max(dot.x for dot in dots(drawn.svg)) / most
        for form, colour in COLOURS.items():
            expected = sorted(float(row["boot_seconds"]) for row in of_variant if row["form"] == form)
            shown = sorted(dot.x / scale for dot in dots(drawn.svg) if dot.colour == colour)
            assert shown == pytest.approx(expected, abs=0.02 / scale)


def test_the_parts_of_a_typical_start_end_at_their_medians(figures: Figures, measured: list[Row]) -> None:
    ends = ("connected_ns", "pull_stopped_ns", "started_ns", "boot_finished_ns")
    for drawn, variant in zip(figures["parts"], ("movie", "parquet"), strict=True):
        rows_of_bars: dict[float, list[float]] = defaultdict(list)
        for bar in bars(drawn.svg):
            rows_of_bars[bar.y].append(bar.x + bar.width)
        shown = [rows_of_bars[y] for y in sorted(rows_of_bars)]
        places = [(variant, form, count) for count in (1, 3) for form in ("plain", "soci-v2")]
        expected = [[_moment(measured, treatment, end) for end in ends] for treatment in places]
        scale = max(map(max, shown)) / max(map(max, expected))
        for bar_ends, moments in zip(shown, expected, strict=True):
            assert [end / scale for end in bar_ends] == pytest.approx(moments, abs=0.05 / scale)
        assert {digits(moments[-1]) for moments in expected} <= set(texts(drawn.svg))


def _moment(rows: Iterable[Row], treatment: Place, end: str) -> float:
    return median((int(row[end]) - int(row["created_ns"])) / 1e9 for row in rows if place(row) == treatment)


def test_the_bars_of_one_round_are_its_tasks(figures: Figures, measured: list[Row]) -> None:
    for drawn, variant in zip(figures["round"], ("movie", "parquet"), strict=True):
        expected: list[float] = []
        for form in ("plain", "soci-v2"):
            tasks = [row for row in measured if place(row) == (variant, form, 3)]
            first = min(int(row["round"]) for row in tasks)
            expected += sorted(float(row["boot_seconds"]) for row in tasks if int(row["round"]) == first)
        last: dict[float, float] = {}
        for bar in bars(drawn.svg):
            last[bar.y] = max(last.get(bar.y, 0), bar.x + bar.width)
        scale = max(last.values()) / max(expected)
        assert [last[y] / scale for y in sorted(last)] == pytest.approx(expected, abs=0.05 / scale)


def test_effects_lie_at_the_logarithm_of_their_ratio(figures: Figures, measured: list[Row]) -> None:
    drawn = figures["effects"]
    places = [(variant, phase) for variant in ("movie", "parquet") for phase in ("boot", "pull")]
    for panel, (variant, phase) in zip(drawn, places, strict=True):
        expected = []
        for count in (1, 3):
            form = blocks(measured, (variant, "soci-v2", count), phase)
            control = blocks(measured, (variant, "plain", count), phase)
            expected.append(mean(math.log(form[block] / control[block]) for block in form.keys() & control.keys()))
        shown = [dot.x for dot in sorted(dots(panel.svg), key=lambda dot: dot.y)]
        labels = [text for text in texts(panel.svg) if text.endswith(" %")][-2:]
        changes = [percent(math.exp(log)) for log in expected]
        assert [as_number(label) for label in labels] == pytest.approx(changes, abs=0.51)
        # The line of no change is where the logarithm is 0; both points must lie on one scale.
        line = _no_change(panel.svg)
        assert (shown[0] - line) / (shown[1] - line) == pytest.approx(expected[0] / expected[1], rel=0.01)


def _no_change(svg: str) -> float:
    import re

    [x] = re.findall(r'<line transform="translate\(([\d.]+),[\d.]+\)" x2="0" y2="-?[\d.]+" stroke="var\(--line', svg)[
        -1:
    ]
    return float(x)


def test_order_shows_each_rounds_median_against_its_treatment(figures: Figures, measured: list[Row]) -> None:
    for drawn, variant in zip(figures["order"], ("movie", "parquet"), strict=True):
        boots: dict[tuple[int, Place], list[float]] = defaultdict(list)
        for row in measured:
            if row["variant"] == variant:
                boots[int(row["round"]), place(row)].append(float(row["boot_seconds"]))
        medians = {key: median(values) for key, values in boots.items()}
        typical = {each: median(v for (_, p), v in medians.items() if p == each) for _, each in medians}
        expected = sorted((index, value / typical[each] - 1) for (index, each), value in medians.items())
        shown = sorted((dot.x, dot.y) for dot in dots(drawn.svg))
        assert len(shown) == len(expected)
        pixels = _line([x for x, _ in shown], [index for index, _ in expected])
        assert pixels == pytest.approx([index for index, _ in expected], abs=0.02)
        heights = _line([y for _, y in shown], [changed for _, changed in expected])
        assert heights == pytest.approx([changed for _, changed in expected], abs=0.002)


def _line(shown: list[float], expected: list[float]) -> list[float]:
    """``shown`` on the scale of ``expected``, fixed by its two ends: every other point then has to fit."""
    indexes = range(len(expected))
    low, high = min(indexes, key=expected.__getitem__), max(indexes, key=expected.__getitem__)
    step = (expected[high] - expected[low]) / (shown[high] - shown[low])
    return [expected[low] + (value - shown[low]) * step for value in shown]


def test_the_result_is_the_main_phase_of_every_comparison(page: Page) -> None:
    shown = [(row["image, phase"], row["tasks × form"], row["change"]) for row in page["Result", ""]]  # noqa: RUF001
    expected = [
        (f"{variant} boot", f"{row['tasks']} × {row['form']}", row["change"])  # noqa: RUF001
        for (section, variant), table in page.items()
        if section == "Every comparison"
        for row in table
        if row["phase"] == "boot"
    ]
    assert any("as deployed" in treatment for _, treatment, _ in shown)
    assert shown == expected


@pytest.fixture
def many(reported: Callable[..., Report]) -> Report:
    """A sweep with more tasks than a plot can hold."""
    return reported(small_plan(task_counts=(400,), blocks=2))


def test_of_very_many_tasks_the_fastest_and_the_slowest_are_drawn_and_the_rest_is_said(many: Report) -> None:
    [figure] = [figure for figure in plots.figures(many.tasks, many.contents.analysis) if figure.name == "tasks"]
    drawn = dots(figure.panels[0].svg)
    assert len(drawn) == 600
    assert figure.notes == ("movie: 600 of 1,600 tasks are drawn, at even steps from the fastest to the slowest.",)
    boots = many.tasks["boot_seconds"]
    assert min(dot.x for dot in drawn) / max(dot.x for dot in drawn) == pytest.approx(
        boots.min() / boots.max(), rel=1e-3
    )
