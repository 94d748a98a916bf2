"""The HTML report in a real browser: what is seen, what can be typed, what is never run."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE, document, hostile, small

from pytest_ocrleak.report.formats import rendered
from pytest_ocrleak.report.page.reading import line

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is on the PATH")

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 700}
NAMED = (  # what a screen reader walks through
    *("banner", "main", 'navigation "Sections"', 'searchbox "Filter"', 'combobox "Verdict"'),
    *('table "All checks"', 'button "verdict"', 'img "heap: growth per run', 'region "Leaks"'),
)
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CUT = """() => Array.from(document.querySelectorAll('.scroll')).filter((e) =>
  e.scrollWidth > e.clientWidth).map((e) => e.getAttribute('aria-label'))"""
ROWS = "() => Array.from(document.querySelectorAll('tbody tr'), (row) => row.offsetHeight)"
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !e.checkVisibility()) continue;
    const svg = e instanceof SVGElement;
    const style = getComputedStyle(e);
    const [a, b] = [parse(svg ? style.fill : style.color), ground(e)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(`${ratio.toFixed(2)} ${e.className}: ${e.textContent.slice(0, 40)}`);
  }
  return [...poor];
}"""

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of pages on disk."""
    folder: Path = tmp_path_factory.mktemp("pages")
    told = {"small": small(), "hostile": hostile(), "empty": document([])}
    for name, each in told.items():
        (folder / f"{name}.html").write_text(rendered(".html", each), "utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in told}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests here."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as play:
        launched = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any, pages: dict[str, str]) -> Iterator[Open]:
    """Opens a page; at the end none has said anything, nor asked for anything but itself."""
    contexts, said, asked = [], [], []

    def open_page(name: str, **options: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": WIDE, **options}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(pages[name])
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def rows(page: Any) -> list[str]:
    """Return the names of the checks that the table shows."""
    found: list[str] = page.locator("#all tbody tr:visible th").all_text_contents()
    return found


def tab_to(page: Any, wanted: Any) -> None:
    """Press Tab until a control has the focus."""
    for _ in range(50):
        page.keyboard.press("Tab")
        if wanted.evaluate("(control) => control === document.activeElement"):
            return
    pytest.fail("Tab does not lead there")


def test_hostile_names_are_text(opened: Open) -> None:
    """None is run, none is an element, and all can be read."""
    page = opened("hostile")
    assert page.locator("img").count() == 0
    told = page.locator("main").text_content()
    assert not [name for name in HOSTILE if line(name) not in told]


def test_the_table_is_filtered_and_sorted_by_keyboard(opened: Open) -> None:
    """Tab, type, Enter; how many are shown is said, and which way it is sorted."""
    page = opened("small")
    page.get_by_role("link", name="All checks").focus()
    tab_to(page, page.get_by_label("Filter"))
    page.keyboard.type("test_pool GUARD")
    assert rows(page) == ["guard pool in tests/test_pool.py::test_reopens"]
    assert page.get_by_role("status").inner_text() == "1 of 35 checks"
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    assert len(rows(page)) == 35
    tab_to(page, page.get_by_role("button", name="runs"))
    for way, first in (("ascending", "1"), ("descending", "64")):
        page.keyboard.press("Enter")
        assert page.get_by_role("columnheader", name="runs").get_attribute("aria-sort") == way
        assert page.locator("#all tbody tr td.n").first.inner_text() == first


def test_a_verdict_is_chosen_from_a_list(opened: Open) -> None:
    """Known leaks are not among those that fail."""
    page = opened("small")
    page.get_by_label("Verdict").select_option("leak")
    assert len(rows(page)) == 3
    page.get_by_label("Verdict").select_option("known")
    assert rows(page) == ["tests/test_pool.py::test_closes[4-workers]"]


def test_controls_and_regions_have_names(opened: Open) -> None:
    """Landmarks, controls, tables and pictures are told as what they are."""
    page = opened("small")
    told = page.locator("body").aria_snapshot()
    assert not [role for role in NAMED if role not in told]
    assert not [name for name in ("img:", "button:", "searchbox:") if f"- {name}" in told]


def test_a_link_to_a_folded_leak_unfolds_it(opened: Open) -> None:
    """Whoever follows a row of the table sees the leak."""
    page = opened("small")
    card = page.locator("#leak-4")
    assert card.get_attribute("open") is None
    page.locator("#all a[href='#leak-4']").click()
    page.wait_for_function("document.getElementById('leak-4').open")


def test_all_is_there_without_scripts(opened: Open) -> None:
    """The table simply stands there, and controls that would do nothing do not."""
    page = opened("small", java_script_enabled=False)
    assert len(rows(page)) == 35
    assert not page.locator(".filter").is_visible()
    assert page.locator("#leak-1 .stack").first.is_visible()
    page.locator("#leak-4 summary").click()
    assert page.get_by_text("until 2027-02-19").is_visible()


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("name", ["small", "hostile", "empty"])
def test_a_phone_shows_it_without_scrolling_sideways(opened: Open, name: str, media: str) -> None:
    """At 360 pixels, unfolded and folded, tables, too; and so does paper that is as narrow."""
    page = opened(name, viewport=NARROW)
    page.emulate_media(media=media)
    assert not page.evaluate(OVERFLOWS)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert not page.evaluate(OVERFLOWS)
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("width", [360, 390, 700, 820, 1280])
def test_no_row_of_a_table_is_mostly_empty(opened: Open, width: int) -> None:
    """At any width its cells stand side by side with room for words, or one below the other."""
    page = opened("small", viewport={"width": width, "height": 700})
    assert max(page.evaluate(ROWS)) <= 150


def test_a_phone_filters_and_sorts_the_table(opened: Open) -> None:
    """What stands as cards there is the same table, with names beside its figures."""
    page = opened("small", viewport=NARROW)
    page.get_by_label("Filter").fill("test_pool guard")
    assert rows(page) == ["guard pool in tests/test_pool.py::test_reopens"]
    page.get_by_label("Filter").fill("")
    page.get_by_role("button", name="runs").dblclick()
    assert page.locator("#all tbody tr td.n").first.inner_text() == "64"
    told = page.locator(".meters tbody tr").first.locator("[data-head]")
    heads = page.locator(".meters thead th").all_text_contents()
    assert told.evaluate_all("(cells) => cells.map((cell) => cell.dataset.head)") == heads[1:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(opened: Open, scheme: str) -> None:
    """By a contrast of 4.5 at least (WCAG 2.2, AA), by day and by night."""
    page = opened("small", color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_on_paper_everything_is_unfolded(opened: Open) -> None:
    """And what is for the screen alone is not there."""
    page = opened("small", java_script_enabled=False)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.get_by_text("until 2027-02-19").is_visible()
