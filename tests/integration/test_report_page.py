"""The report's page in a real browser: what it loads, how it looks, and that nobody's text can do anything on it."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.plan.plan import Plan
from experiments.records.model import Outcome
from experiments.report.formats import read, to_html
from experiments.store.store import Store
from experiments.sweep import start
from infra.outputs import StackOutputs
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.browser import DESK, PHONE, Browser, browser
from tests.support.fake_executor import FakeExecutor

pytestmark = pytest.mark.browser

ATTACK = "<script>window.pwned=1</script>'\"><img src=x onerror=window.pwned=1>"
HOSTILE = f"{ATTACK}\N{RIGHT-TO-LEFT OVERRIDE}\x1b[31m"
SEEN = f"{ATTACK}\\u202e\\u001b[31m"
"""How the page shows it: what would turn the reading direction, or command a terminal, is written out."""
MakePage = Callable[..., Path]
SHOWN = {
    "usual": "movie",
    "simulated": "SIMULATED",
    "nothing": "Nothing can be concluded",
    "one record": "1 of 1 rounds complete",
    "one block": "too few",
    "only failures": "scripted: timeout",
    "no control": "no 'plain' form",
    "hostile": SEEN,
}
"""Each kind of page that the tests look at, and what it must show."""


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page of each kind of `SHOWN`."""
    folder = tmp_path_factory.mktemp("pages")
    both = {"variants": ("movie", "parquet"), "forms": ("plain", "soci-v1", "soci-v2"), "task_counts": (1, 2, 8)}
    usual = small_plan(**both, blocks=4)
    late = small_plan(task_counts=(1,))
    first = small_plan(task_counts=(1,), blocks=1)
    one = small_plan(forms=("plain",), task_counts=(1,), blocks=1)
    script = {3: [Outcome.TIMEOUT], 7: [Outcome.FAILED] * 3}
    failures = {index: [Outcome.TIMEOUT] for index in range(len(first.rounds))}
    made = {
        "usual": _page(folder / "usual.html", usual, script=script),
        "simulated": _page(folder / "simulated.html", small_plan(blocks=3), metadata={"target": "sim"}),
        "nothing": _page(folder / "nothing.html", late, empty=True),
        "one record": _page(folder / "one.html", one),
        "one block": _page(folder / "block.html", small_plan(blocks=1)),
        "only failures": _page(folder / "failures.html", first, script=failures),
        "no control": _page(folder / "control.html", small_plan(forms=("soci-v1", "soci-v2"), blocks=3)),
        "hostile": _page(folder / "hostile.html", small_plan(variants=(HOSTILE,), blocks=3), hostile=True),
    }
    assert made.keys() == SHOWN.keys()
    return made


def _page(
    path: Path,
    plan: Plan,
    *,
    script: dict[int, list[Outcome]] | None = None,
    metadata: dict[str, str] | None = None,
    empty: bool = False,
    hostile: bool = False,
) -> Path:
    outputs = _hostile(plan) if hostile else stack_outputs()
    named = {"target": "lab", "tool.soci": "0.16.0", **({f"tool.{HOSTILE}": HOSTILE} if hostile else {})}
    executor = FakeExecutor(outputs, script=script, metadata={**named, **(metadata or {})})
    with Store(path.with_suffix(".sqlite"), write=True) as store:
        if empty:
            sweep = store.begin_sweep(plan, "lab", executor.key_metadata(), outputs)
        else:
            sweep = start(store, executor, plan, HOSTILE if hostile else "lab", outputs, lambda _progress: None)
        path.write_text(to_html(read(store, sweep)))
    return path


def _hostile(plan: Plan) -> StackOutputs:
    """Outputs whose variant and image references are an attack."""
    plain = stack_outputs(plan.design.variants)
    variants = {
        name: variant.model_copy(
            update={
                "source_image": f"registry/{HOSTILE}",
                "treatments": {
                    form: treatment.model_copy(update={"image": f"registry/{HOSTILE}@{treatment.image_digest}"})
                    for form, treatment in variant.treatments.items()
                },
            }
        )
        for name, variant in plain.variants.items()
    }
    return plain.model_copy(update={"variants": variants})


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_is_quiet_and_asks_for_nothing(opened: Browser, pages: dict[str, Path], kind: str, width: int) -> None:
    opened.open(pages[kind], width)
    assert opened.complaints() == []
    assert opened.requests() == [pages[kind].as_uri(), "data:,"][: len(opened.requests())]
    assert len(opened.requests()) <= 2


@pytest.mark.parametrize("kind", SHOWN)
def test_every_page_shows_what_matters_and_how_to_do_it_again(
    opened: Browser, pages: dict[str, Path], kind: str
) -> None:
    opened.open(pages[kind], DESK)
    text = opened.evaluate("document.body.innerText")
    assert SHOWN[kind] in text
    for heading in ("Findings", "What was left out and why", "What was run", "Repeat this sweep"):
        assert heading in text
    assert "sociometer " in opened.evaluate("document.querySelector('pre').innerText")


@pytest.mark.parametrize("kind", SHOWN)
def test_a_phone_scrolls_in_one_direction_alone_and_shows_the_verdict_at_once(
    opened: Browser, pages: dict[str, Path], kind: str
) -> None:
    opened.open(pages[kind], PHONE)
    assert opened.evaluate("document.documentElement.scrollWidth") <= PHONE
    box = opened.evaluate("document.querySelector('h1').getBoundingClientRect().toJSON()")
    assert box["top"] >= 0
    assert box["bottom"] <= opened.evaluate("innerHeight")


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_no_text_of_a_picture_is_cut(opened: Browser, pages: dict[str, Path], kind: str, width: int) -> None:
    opened.open(pages[kind], width)
    cut = opened.evaluate(
        """[...document.querySelectorAll('.panel svg')].flatMap(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect();
                return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1
                    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
            }).map(text => svg.querySelector('title').textContent + ': ' + text.textContent);
        })"""
    )
    assert cut == []


def test_light_and_dark_differ_and_both_can_be_read(opened: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    shots, grounds = [], []
    for dark in (False, True):
        opened.open(pages["usual"], DESK, dark=dark)
        shots.append(opened.screenshot(tmp_path / f"{dark}.png"))
        grounds.append(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert opened.evaluate(_CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3
    assert shots[0] != shots[1]
    assert grounds[0] != grounds[1]


_CONTRAST = """(() => {
    const light = text => {
        const parts = text.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    const texts = [...document.querySelectorAll('main *')].filter(one => [...one.childNodes].some(
        child => child.nodeType === 3 && child.textContent.trim()) && !['title', 'desc'].includes(one.localName));
    return Math.min(...texts.map(one => {
        const style = getComputedStyle(one);
        const ink = light(one instanceof SVGElement ? style.fill : style.color);
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    }));
})()"""
"""The least contrast of any text against the page."""


@pytest.mark.parametrize("kind", ["usual", "hostile"])
def test_every_picture_has_a_name_and_a_description(opened: Browser, pages: dict[str, Path], kind: str) -> None:
    opened.open(pages[kind], DESK)
    nodes = opened.call("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in nodes if node["role"]["value"] in ("image", "img") and not node["ignored"]]
    assert len(images) == opened.evaluate("document.querySelectorAll('.panel svg').length") > 4
    assert all(len(node["name"]["value"]) > 20 for node in images)
    assert opened.evaluate("new Set([...document.querySelectorAll('[id]')].map(one => one.id)).size") == (
        opened.evaluate("document.querySelectorAll('[id]').length")
    )


def test_hostile_names_are_shown_and_do_nothing(opened: Browser, pages: dict[str, Path]) -> None:
    opened.open(pages["hostile"], DESK)
    assert opened.evaluate("window.pwned === undefined")
    assert opened.evaluate("document.querySelectorAll('script, img, iframe, object, embed, form').length") == 0
    assert opened.evaluate("document.querySelectorAll('[onerror], [onload], [style]').length") == 0
    text = opened.evaluate("document.body.textContent")
    quoted = SEEN.replace("'", "'\"'\"'")
    for place in (SEEN, f"registry/{SEEN}@sha256:", f"--stack '{quoted}'"):
        assert place in text
    assert html.escape(ATTACK, quote=False) not in text


def test_the_pages_own_policy_stops_what_escaping_would_miss(opened: Browser, pages: dict[str, Path]) -> None:
    opened.open(pages["usual"], DESK)
    broken = opened.evaluate(
        """new Promise(done => {
            const seen = [];
            document.addEventListener('securitypolicyviolation', event => {
                seen.push(event.effectiveDirective);
                if (seen.length === 3) done(seen.sort());
            });
            const image = document.createElement('img');
            image.src = 'http://127.0.0.1:9/leak';
            const script = document.createElement('script');
            script.textContent = 'window.pwned = 1';
            const style = document.createElement('style');
            style.textContent = 'body { background: url(http://127.0.0.1:9/leak) }';
            document.body.append(image, script, style);
        })"""
    )
    assert broken == ["img-src", "script-src-elem", "style-src-elem"]
    assert opened.evaluate("window.pwned === undefined")
    wanted = {
        one["requestId"] for one in opened.happened("Network.requestWillBeSent") if "leak" in one["request"]["url"]
    }
    assert wanted == {
        one["requestId"] for one in opened.happened("Network.loadingFailed") if one["blockedReason"] == "csp"
    }


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_simulation_stays_marked_wherever_one_scrolls(opened: Browser, pages: dict[str, Path], width: int) -> None:
    opened.open(pages["simulated"], width)
    assert "SIMULATED" in opened.evaluate("document.title")
    assert opened.evaluate("document.querySelectorAll('figcaption').length") >= 5
    assert opened.evaluate(
        "[...document.querySelectorAll('figcaption')].every(c => c.innerText.startsWith('SIMULATED'))"
    )
    opened.evaluate("scrollTo(0, document.body.scrollHeight)")
    banner = opened.evaluate("document.querySelector('.simulated').getBoundingClientRect().toJSON()")
    assert banner["top"] == 0
    assert banner["width"] == width


def test_what_was_measured_is_not_marked(opened: Browser, pages: dict[str, Path]) -> None:
    opened.open(pages["usual"], DESK)
    assert "SIMULATED" not in opened.evaluate("document.documentElement.outerHTML.replace(/<style>[^]*<.style>/, '')")


def test_a_dark_page_prints_light(opened: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    opened.open(pages["usual"], DESK, dark=True)
    opened.emulate("print", dark=True)
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.evaluate(_CONTRAST) >= 4.5
    assert opened.pdf(tmp_path / "page.pdf").startswith(b"%PDF-")
