"""The HTML report, read back without a browser."""

import base64
import hashlib
import logging
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from documents import EXPIRED, HOSTILE, SESSION, check, document, grown, hostile, leak, meter, small
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markup import Element, read

from pytest_ocrleak.report.formats import rendered
from pytest_ocrleak.report.page import html, pictures
from pytest_ocrleak.report.page.reading import line

REFERS = ("href", "src", "xlink:href", "aria-labelledby", "for")


def page(told: dict[str, Any]) -> Element:
    """Return a document's page, read back."""
    return read(rendered(".html", told))


@pytest.fixture(scope="module")
def sample() -> Element:
    """The page of a report in which there is some of everything."""
    return page(small())


@pytest.fixture(scope="module")
def attacked() -> Element:
    """The page of a report whose names are attempts at breaking it."""
    return page(hostile())


@pytest.mark.parametrize("which", ["sample", "attacked"])
def test_a_page_is_well_formed(which: str, request: pytest.FixtureRequest) -> None:
    """Every id is there once, and all that is referred to is in the page."""
    root: Element = request.getfixturevalue(which)
    names = [each.attributes["id"] for each in root.all() if "id" in each.attributes]
    assert len(names) == len(set(names))
    for element in root.all():
        for name in REFERS:
            told = element.attributes.get(name, "")
            if not told.startswith("data:image/svg"):
                assert {each.removeprefix("#") for each in told.split()} <= set(names)
    inside = {part for e in root.all() for v in e.attributes.values() for part in urls(v)}
    assert inside <= set(names)


def urls(value: str) -> list[str]:
    """Return what an attribute refers to by ``url()``."""
    found: list[str] = re.findall(r"url\(#?([^)]*)\)", value)
    return found


@pytest.mark.parametrize("which", ["sample", "attacked"])
def test_a_page_can_be_walked_by_its_structure(which: str, request: pytest.FixtureRequest) -> None:
    """Headings go down by one level at most, tables and pictures have names, cells have heads."""
    root: Element = request.getfixturevalue(which)
    levels = [int(e.tag[1]) for e in root.all() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    for table in root.all("table"):
        assert next(table.all("caption")).text.strip()
        assert all(head.attributes["scope"] in ("col", "row") for head in table.all("th"))
    for picture in root.all("svg"):
        told = [each.text for tag in ("title", "desc") for each in picture.all(tag)]
        assert picture.attributes.get("aria-hidden") or all(told) == (len(told) == 2)
    assert [len(list(root.all(tag))) for tag in ("header", "nav", "main", "footer")] == [1] * 4


def test_the_only_script_is_the_one_that_the_page_allows(sample: Element) -> None:
    """A policy forbids all else, the network included, so that no name can ever become code."""
    (script,) = sample.all("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    metas = [e.attributes for e in sample.all("meta")]
    (policy,) = (e["content"] for e in metas if e.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}';" in policy
    assert not [n for e in sample.all() for n in e.attributes if n.startswith("on")]


def test_the_verdict_stands_at_the_top(sample: Element) -> None:
    """One sentence, in which meters, and how many checks ended how."""
    head = next(sample.all("header"))
    assert next(head.all("h1")).text == "3 of 35 checks leak"
    assert head.classed("detail")[0].text == "fds, threads, heap, rss, tempfiles"
    counts = {next(e.all("dt")).text: next(e.all("dd")).text for e in head.all("div")
              if e.inside and next(e.all("dt"), None) and not e.classed("counts")}  # fmt: skip
    assert counts["checked"] == "35"
    assert counts["known leaks"] == "1"
    assert counts["inconclusive"] == "1"
    assert "gpu (no NVIDIA driver)" in head.text
    assert "±8.8 KB/run" in head.text


def test_leaks_are_told_by_fixture_and_test(sample: Element) -> None:
    """New ones first, fixtures before tests; what is known comes last and folded."""
    cards = sample.classed("card")
    assert [next(card.all("h3")).text for card in cards] == [
        "engine (module)",
        "tests/test_session.py::test_run_frees_its_arena",
        "tests/test_pool.py::test_reopens",
        "tests/test_pool.py::test_closes[4-workers]",
    ]
    engine, known = cards[0].text, cards[-1]
    for told in (
        "/srv/models/ppocrv6_tiny_det.onnx",
        "opened at app/engine.py:31 in Engine.load",
        "module app.engine → _cache['ocr'] → Session.file",
        "9f2c4be07a1d6e35",
    ):
        assert told in engine
    assert "open" not in known.attributes
    assert "until 2027-02-19" in known.text
    assert "expired on 2026-01-01" in cards[2].text


def test_what_fails_stands_before_what_is_known() -> None:
    """Whatever it is that leaks: a known leak of a fixture can wait."""
    known = check("t.py::a", "leak", "fixture", leaks=[leak("fds", "/x", known=True)])
    cards = page(document([known, check("t.py::b", "leak", leaks=[leak("fds", "/y")])]))
    assert [next(card.all("h3")).text for card in cards.classed("card")] == ["t.py::b", "a"]


def test_a_meter_that_leaks_is_drawn(sample: Element) -> None:
    """Growth per run, the level over the runs, and what resident memory is made of."""
    titles = [next(e.all("title")).text for e in sample.all("svg") if "role" in e.attributes]
    assert titles == [
        "heap: growth per run",
        "heap: level over the runs",
        "rss: growth per run",
        "rss: level over the runs",
        "What resident memory grew by",
    ]
    (resident,) = sample.classed("resident")
    assert "heap free but retained -11.4 MB" in resident.text
    assert "BFCArena::Extend" in sample.text


def test_pictures_are_small_and_in_the_pages_colours() -> None:
    """Each is a few KB, the same in every rendering, and follows light and dark."""
    told = rendered(".html", document([SESSION]))
    pictures = re.findall(r'<svg class="(?:plot|stack)".*?</svg>', told, re.DOTALL)
    assert len(pictures) == 5
    assert max(map(len, pictures)) < 8000
    assert all("var(--" in each and "#f0c" not in each for each in pictures)
    assert told == rendered(".html", document([SESSION]))


def test_all_checks_are_in_one_table(sample: Element) -> None:
    """Those that leak lead to where their leaks are told."""
    rows = list(next(sample.one("all").all("tbody")).all("tr"))
    assert len(rows) == 35
    links = [a.attributes["href"] for row in rows for a in row.all("a")]
    assert sorted(links) == ["#leak-1", "#leak-2", "#leak-3", "#leak-4"]


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=40)
@example("\udcff</title>\u202e")
def test_a_name_is_nothing_but_text(name: str) -> None:
    """Whatever it is, the page has the same elements, and shows it."""
    told = [leak("fds", name, opened_at=[name], kept_by=[name], remark=name, fingerprint=name)]
    there, plain = (
        page(document([check(each, "leak", name=each, kind="guard", leaks=told)], partial=name))
        for each in (name, "name")
    )
    assert [e.tag for e in there.all()] == [e.tag for e in plain.all()]
    assert line(name) in there.text


def test_every_hostile_name_is_shown(attacked: Element) -> None:
    """As text, in what is one line of the page and stays readable."""
    for name in HOSTILE:
        assert line(name) in attacked.text
    assert not list(attacked.all("img"))
    assert len(list(attacked.all("script"))) == 1


def test_what_many_share_is_told_once() -> None:
    """The same leak of a fixture is one with many places, that of many tests leads the list."""
    each = [check(f"t.py::test[{n}]", "leak", "fixture", name="db", scope="function",
                  leaks=[leak("fds", "/db")]) for n in range(9)]  # fmt: skip
    tests = [check(f"t.py::test_{n}", "leak", leaks=[leak("fds", "/db")]) for n in range(3)]
    root = page(document([*each, *tests]))
    assert len(root.classed("card")) == 4
    assert "9 checks: t.py::test[0], t.py::test[1]" in root.classed("card")[0].text
    (shared,) = root.classed("shared")
    assert [cell.text for cell in shared.all("td")] == ["4", "12"]


def test_what_many_share_has_the_name_that_they_share() -> None:
    """One test's folder would be wrong for the others: ``*`` stands for what differs."""
    every = [
        check(f"t.py::{name}", "leak", kind, name=name, leaks=[leak("fds", f"/tmp/{name}0/h.txt")])
        for kind in ("test", "fixture")
        for name in ("one", "two", "other")
    ]
    (shared,) = page(document(every)).classed("shared")
    assert next(next(shared.all("tbody")).all("code")).text == "*/h.txt"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["/tmp/a/h.txt", "/srv/b/c/h.txt"], "*/h.txt"),
        (["/tmp/a/page1.png", "/tmp/b/page2.png"], "*/page*.png"),
        (["/tmp/a_1/h.txt", "/tmp/a_2/h.txt"], "/tmp/a_*/h.txt"),
        (["C:\\a\\h.txt", "C:\\b\\h.txt"], "*/h.txt"),
        (["child process /a/sh -c x", "child process /b/sh -c x"], "child process */sh -c x"),
        (["child process python", "child process /b/python"], "child process python"),
        (["socket:[1]", "socket:[2]"], "socket:[*]"),
    ],
)
def test_a_fixtures_leaks_have_the_name_that_they_share(names: list[str], told: str) -> None:
    """Whatever the place, the rest of the name is told as it is."""
    found = [leak("fds", name) for name in names]
    checks = [
        check(f"t.py::test_{n}", "leak", "fixture", name="db", scope="function", leaks=[each])
        for n, each in enumerate(found)
    ]
    (card,) = page(document(checks)).classed("card")
    assert next(next(card.all("h4")).all("code")).text == told


def test_growth_that_many_share_keeps_its_figures() -> None:
    """They are the first one's, as is the amount beside them."""
    fixture = {"name": "db", "scope": "function", "runs": 9}
    checks = [
        check(f"t.py::test_{n}", "leak", "fixture", **fixture)
        | {"meters": {"heap": meter("heap", "leak", **grown([1.0], n * 1500.0, 9))}}
        | {"leaks": [leak("heap", f"grows by {n * 1.5} KB per run", per_run=n * 1500.0)]}
        for n in (1, 2)
    ]
    (card,) = page(document(checks)).classed("card")
    assert next(next(card.all("h4")).all("code")).text == "grows by 1.5 KB per run"


def test_undecided_meters_are_not_counted_as_checks(sample: Element) -> None:
    """A meter may not tell in a check that leaks: the section is of meters, as its name says."""
    names = [link.text for link in next(sample.all("nav")).all("a")]
    assert "Undecided meters 2" in names
    assert not [name for name in names if "nconclusive" in name]
    section = sample.one("undecided")
    assert "inconclusive only where no other meter saw a leak" in section.text
    assert len(list(next(section.all("tbody")).all("tr"))) == 2


def test_a_page_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards and plots are told up to a number, and what is left out is said."""
    monkeypatch.setattr(html, "CARDS", 6)
    monkeypatch.setattr(pictures, "METERS", 4)
    meters = {"heap": meter("heap", "leak", **grown([1.0], 900.0, 9))}
    checks = [
        check(f"t.py::test_{n}", "leak", runs=19, meters=meters, leaks=[leak("heap", str(n))])
        for n in range(11)
    ]
    root = page(document(checks))
    assert len(root.classed("card")) == 6
    assert "and 5 more fixtures and tests that leak" in root.text
    assert "Only the first 4 of 6 meters that leak are plotted." in root.text
    assert len(root.classed("plot")) == 8
    assert len(list(root.one("all").all("tr"))) == 12


ODD = (float("nan"), float("inf"), -float("inf"), None)
NUMBERS = st.floats() | st.integers() | st.none() | st.just(10**400) | st.just("x")
METERS = st.dictionaries(
    st.sampled_from(["verdict", "unit", "per_run", "one_time", "low", "high", "resolution"]),
    NUMBERS | st.sampled_from(["leak", "clean", "inconclusive", "B", "blocks"]),
)


@example({"per_run": ODD[0], "low": ODD[1]}, list(ODD), list(ODD), ODD[2])
@given(METERS, st.lists(NUMBERS, max_size=9), st.lists(NUMBERS, max_size=9), NUMBERS)
@settings(max_examples=20)
def test_no_figure_is_too_odd_to_be_told(
    said: dict[str, Any], series: list[Any], batches: list[Any], part: Any
) -> None:
    """What is missing, infinite or no number at all is told somehow; the rest of it as it is."""
    odd = {"verdict": "leak", **said, "series": series, "batches": batches, "parts": {"x": part}}
    meters = {"heap": odd, "rss": odd, "new": odd}
    told = check("t.py::test", "leak", runs=3, meters=meters, leaks=[{"meter": "heap"}, {}])
    assert "t.py::test" in page(document([told])).text
    assert "t.py::test" in rendered(".md", document([told]))


@pytest.mark.parametrize("told", [{}, {"checks": [{}]}, {"checks": [EXPIRED], "notes": None}])
def test_older_documents_are_told(told: dict[str, Any]) -> None:
    """What a version did not write yet is empty."""
    assert list(page(told).all("h1"))


def test_the_users_matplotlib_stays_as_it_is() -> None:
    """Neither do their settings change the page, nor does the page change theirs."""
    plain = rendered(".html", document([SESSION]))
    level = logging.getLogger("matplotlib").level
    with mpl.rc_context({"text.usetex": True, "font.size": 40, "axes.grid": True}):
        before = dict(mpl.rcParams)
        assert rendered(".html", document([SESSION])) == plain
        assert dict(mpl.rcParams) == before
    assert logging.getLogger("matplotlib").level == level


ALONE = """
import json, os, pathlib, sys
from pytest_ocrleak.report.formats import missing, rendered
assert not missing(".html") and not {"jinja2", "matplotlib"} & set(sys.modules)
sys.stdout.write(rendered(".html", json.load(sys.stdin)))
assert "matplotlib.pyplot" not in sys.modules
"""


def test_where_nothing_can_be_kept_nothing_is_said(tmp_path: Path) -> None:
    """A home that cannot be written to costs the page nothing, and makes no noise."""
    home = {"HOME": "/proc/nowhere", "XDG_CONFIG_HOME": "/proc/x", "XDG_CACHE_HOME": "/proc/x"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        input=json_of(document([SESSION])),
        env={"PATH": "/usr/bin:/bin", "MPLBACKEND": "agg", "TMPDIR": str(tmp_path), **home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read(done.stdout).classed("plot")) == 4
    assert not list(tmp_path.iterdir())


def json_of(told: dict[str, Any]) -> str:
    """Return a document as JSON."""
    return rendered(".json", told)
