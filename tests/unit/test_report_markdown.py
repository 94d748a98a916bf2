"""The Markdown report: literals in, what a Markdown parser makes of it out."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pytest_ocrleak.report.formats import rendered
from pytest_ocrleak.report.page.reading import line

PARSER = MarkdownIt("commonmark").enable("table")
COMMENT = 65_536  # characters that GitHub takes in a comment
FDS = {"meter": "fds", "what": "/abs/data.bin", "count": 2, "per_run": 1.0}
GROWS = {"per_run": 320.0, "low": 300.0, "high": 330.0, "resolution": 96.0, "one_time": 4096.0}


def check(name: str = "test_y", verdict: str = "clean", **more: Any) -> dict[str, Any]:
    """Return a check of a test."""
    nodeid = f"tests/test_x.py::{name}"
    plain = {"nodeid": nodeid, "kind": "test", "name": name, "verdict": verdict, "runs": 1}
    return {**plain, "meters": {}, "leaks": [], **more}


def leaky(leak: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a check with one leak."""
    return check(verdict="leak", leaks=[leak], **more)


def grown(verdict: str, **more: Any) -> dict[str, Any]:
    """Return what a heap said that grew."""
    return {"verdict": verdict, "unit": "B", "series": [320.0] * 4, **GROWS, **more}


def markdown(*checks: dict[str, Any], **more: Any) -> str:
    """Return a report on checks."""
    return rendered(".md", {"schema_version": 1, "checks": list(checks), **more})


def tables(text: str) -> list[list[list[Token]]]:
    """Return the tables of a text: rows of cells, each an inline token."""
    found: list[list[list[Token]]] = []
    for token in PARSER.parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and token.level > 2:
            found[-1][-1].append(token)
    return found


def spans(cell: Token) -> list[str]:
    """Return what stands in a cell's code spans."""
    return [each.content for each in cell.children or () if each.type == "code_inline"]


@pytest.mark.parametrize(
    ("checks", "first"),
    [
        ([], "⚠️ ocrleak: Nothing was checked"),
        ([check()], "✅ ocrleak: The one check is clean"),
        ([check(), check("test_z")], "✅ ocrleak: All 2 checks are clean"),
        ([check(), leaky(FDS)], "❌ ocrleak: 1 of 2 checks leaks"),
        ([check(), leaky(FDS | {"known": True})], "✅ ocrleak: No new leak: 1 known leak"),
        (
            [check(verdict="inconclusive", meters={"heap": grown("inconclusive")})],
            "⚠️ ocrleak: No leak, but 1 inconclusive check",
        ),
    ],
)
def test_the_first_line_is_the_verdict(checks: list[dict[str, Any]], first: str) -> None:
    """Whoever reads no more than the heading knows how it ended."""
    assert markdown(*checks).splitlines()[0] == f"## {first}"


def test_counts_and_what_is_unavailable_follow_at_once() -> None:
    """They stand in the second line, with the resolution of the coarsest clean heap."""
    environment = {"meters": {"gpu": {"available": False, "reason": "no NVIDIA driver"}}}
    heaps = [check(str(size), runs=9, meters={"heap": grown("clean", resolution=size)})
             for size in (96.0, 8800.0)]  # fmt: skip
    told = markdown(*heaps, leaky(FDS), leaky(FDS | {"known": True}), environment=environment)
    assert told.splitlines()[2] == (
        "4 checked · 2 clean · **1 leak** (`fds` in 1) · 1 known leak · heap ±8.8 KB/run · "
        "`gpu` unavailable (`no NVIDIA driver`)"
    )


def test_a_partial_report_says_so_before_anything_else() -> None:
    """What did not come to its end proves nothing of what was not checked."""
    told = markdown(check(), partial="the session was stopped by SIGTERM").splitlines()
    assert told[0] == "## ⚠️ ocrleak: So far the one check is clean"
    assert told[2] == "> **This report is partial**: `the session was stopped by SIGTERM`"


def test_a_leak_is_a_row_with_origin_and_keeper() -> None:
    """The table tells whose it is, what and how much, which line made it and what keeps it."""
    leak = FDS | {
        "opened_at": ["app.py:12 in load", "tests/test_x.py:3 in test_y"],
        "kept_by": ["module app → _cache['x']"],
        "remark": "more than the 1 in the baseline",
    }
    (head, row), *_ = tables(markdown(leaky(leak, kind="fixture", name="engine", scope="module")))
    assert [cell.content for cell in head] == ["check", "leak", "how much", "made", "kept by"]
    assert [spans(cell) for cell in row] == [
        ["fixture engine (module)", "tests/test_x.py"],
        ["fds", "/abs/data.bin", "more than the 1 in the baseline"],
        [],
        ["opened at app.py:12 in load", "called from tests/test_x.py:3 in test_y"],
        ["module app → _cache['x']"],
    ]
    assert row[2].content == "×2"


def test_known_leaks_are_folded_with_their_reasons() -> None:
    """They fail nothing, and stand apart from what does."""
    told = markdown(leaky(FDS | {"known": True, "remark": "known: a pool, until 2027-02-19"}))
    assert "### Leaks" not in told
    assert "<details><summary>1 known leak</summary>" in told
    (_, row), *_ = tables(told)
    assert spans(row[3]) == ["known: a pool, until 2027-02-19"]


def test_repeated_checks_have_their_growth_in_a_table() -> None:
    """What leaks comes first, with the one-time part apart from growth per run."""
    clean = check("test_a", runs=9, meters={"heap": grown("clean", per_run=0.0)})
    bad = check("test_b", "leak", runs=9, meters={"heap": grown("leak")}, leaks=[FDS])
    found = tables(markdown(clean, bad))[1]
    assert [[cell.content for cell in row][2:] for row in found] == [
        ["meter", "one-time", "growth per run", "resolution", "verdict"],
        ["`heap`", "4.1 KB", "320 B", "±96 B", "`leak`"],
        ["`heap`", "4.1 KB", "0 B", "±96 B", "`clean`"],
    ]


def test_an_inconclusive_check_says_why() -> None:
    """The reason is what to do about it."""
    meters = {"heap": grown("inconclusive", reason="it rises | stands still")}
    (_, row), *_ = tables(markdown(check(verdict="inconclusive", meters=meters)))
    assert [spans(cell)[0] for cell in row] == [
        "tests/test_x.py::test_y", "heap", "it rises | stands still",
    ]  # fmt: skip


def test_an_undecided_meter_of_a_leaking_check_is_no_inconclusive_check() -> None:
    """The counts are of checks, the section is of meters, and says so."""
    told = markdown(leaky(FDS, meters={"heap": grown("inconclusive", reason="more runs")}))
    assert "1 inconclusive" not in told
    assert "### Inconclusive" not in told
    _, _, section = told.partition("### Undecided meters\n")
    assert "inconclusive only where no other meter saw a leak" in section
    assert [spans(cell) for cell in tables(section)[0][1]][1:] == [["heap"], ["more runs"]]


@pytest.mark.parametrize("name", ["short", "|" * 500, "`" * 500, "\x00" * 500, "名" * 500])
def test_any_number_of_leaks_fits_into_a_comment(name: str) -> None:
    """The report is cut to what GitHub takes, and says how much it does not tell."""
    places = [name] * 9
    leak = FDS | {"what": name, "opened_at": places, "kept_by": places, "remark": name}
    meters = {"heap": grown("inconclusive", reason=name), name: grown("leak")}
    checks = [leaky(leak | {"known": n % 2}, name=name, runs=9, meters=meters) for n in range(200)]
    told = markdown(*checks, notes=[name] * 200, partial=name)
    assert len(told) < COMMENT
    assert len(re.findall(r"^… and \d+ more leaks$", told, re.MULTILINE)) == 1
    assert {len(row) for table in tables(told) for row in table} <= {2, 3, 4, 5, 7}


@given(st.text(min_size=1) | st.text("|`\\<>&@#*_[]()!~ \n\r\t-:$", min_size=1))
@example("a|b`c``d\\|e\\")
@example("</td></table></details>\n\n# x\n<script>")
@example("\udcff\u202e")
def test_no_name_breaks_the_structure(name: str) -> None:
    """Whatever the names are, they stand in code spans of one row, and mean nothing."""
    leak = FDS | {"what": name, "opened_at": [name], "kept_by": [name], "remark": name}
    partial = {"partial": name, "notes": [name]}
    told = markdown(leaky(leak, name=name, kind="guard"), **partial)
    (head, row), *_ = tables(told)
    assert len(head) == len(row) == 5
    if line(name).strip():
        assert spans(row[1])[1] == line(name)[: len(spans(row[1])[1])]
    told_as = {each.type for cell in row for each in cell.children or ()}
    assert told_as <= {"text", "code_inline", "html_inline"}
    texts = [e.content for cell in row for e in cell.children or () if e.type != "code_inline"]
    assert set(texts) <= {"", "<br>", " ", "in ", "×2", "–", " –"}
    headings = [token for token in PARSER.parse(told) if token.type == "heading_open"]
    assert len(headings) <= 3
    told.encode("utf-8")


def test_what_older_versions_did_not_write_is_not_missed() -> None:
    """A document with nothing but its checks is told, with odd figures in it, too."""
    odd = {"verdict": "leak", "series": [float("nan"), 1e400, None, "x"], "per_run": 10**400}
    told = markdown(check(verdict="leak", runs=3, meters={"new": odd}, leaks=[{}]), notes=None)
    assert told.startswith("## ❌ ocrleak: 1 of 1 check leaks")
