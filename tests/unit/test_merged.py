"""Reports as one: which making of a check counts, and what becomes of the rest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import ENVIRONMENT, LEAK, assert_valid, check, open_check, report

from pytest_ocrleak.report.merged import Given, Merged, fails, merge

TOOL = {"name": "pytest-ocrleak", "version": "9.9"}
KNOWN = {**LEAK, "known": True, "remark": "known: the pool"}
EARLY, LATE = "2026-11-21T10:00:00+00:00", "2026-11-21T11:30:00+01:00"
OTHER = {**ENVIRONMENT, "python": "3.12.1"}


def merged(*reports: dict[str, Any]) -> Merged:
    """Merge reports that are called a.json, b.json and so on, and make sure of what comes out."""
    found = merge([Given(f"{chr(97 + i)}.json", each) for i, each in enumerate(reports)], TOOL)
    assert_valid(found.report)
    return found


def names(*reports: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the checks of merged reports: name and verdict."""
    return [(each["name"], each["verdict"]) for each in merged(*reports).report["checks"]]


def test_shards_are_joined_in_their_order() -> None:
    """And counted anew, by the version that merges."""
    found = merged(report(check("a"), check("b", LEAK)), report(open_check("c"), check("d", KNOWN)))
    assert [each["name"] for each in found.report["checks"]] == ["a", "b", "c", "d"]
    counts = {"checked": 4, "clean": 1, "leak": 2, "inconclusive": 1, "known": 1}
    assert found.report["summary"] == counts
    assert found.report["tool"] == TOOL
    assert found.report["reports"] == ["a.json", "b.json"]
    assert found[1:] == (0, 0, 0)


def test_a_leak_stays_red_however_often_it_is_tried_again() -> None:
    """In whichever report it is, and whichever is the later one."""
    red, green = report(check("a", LEAK), created=EARLY), report(check("a"), created=LATE)
    assert names(red, green) == names(green, red) == [("a", "leak")]
    assert merged(red, green)[1:] == (1, 1, 0)


def test_a_leak_that_only_one_baseline_knows_fails() -> None:
    """A report with an older baseline still says so."""
    known, unknown = report(check("a", KNOWN)), report(check("a", LEAK))
    for found in (merged(known, unknown), merged(unknown, known)):
        assert fails(found.report["checks"][0])
    assert not fails(merged(known, report(check("a"))).report["checks"][0])


def test_a_clean_verdict_settles_an_inconclusive_one() -> None:
    """A rerun with more time."""
    found = report(open_check("a")), report(check("a"))
    assert names(*found) == names(*found[::-1]) == [("a", "clean")]
    assert merged(*found)[1:] == (1, 0, 1)


def test_among_equals_the_later_one_counts() -> None:
    """By when they were written, else by the order in which they are given."""
    early, late = (report(check("a", runs=n), created=t) for n, t in ((1, EARLY), (2, LATE)))
    undated = report(check("a", runs=3))
    del undated["created"]
    for reports, runs in (
        ((early, late), 2),
        ((late, early), 2),
        ((undated, early), 1),
        ((undated, report(check("a", runs=4), created="2026-11-21T10:00:00")), 4),
        ((early, report(check("a", runs=5), created=EARLY)), 5),
    ):
        assert merged(*reports).report["checks"][0]["runs"] == runs
    assert merged(early, late, undated).report["created"] == LATE
    assert merged(late, early).report["created"] == LATE
    assert "created" not in merged(undated, undated).report


def test_a_guard_made_twice_is_two_checks() -> None:
    """Each is compared with the one of the same number; fewer in a rerun drop none."""
    guard = {"kind": "guard", "nodeid": "t.py::test"}
    first = report(check("g", **guard), check("g", LEAK, **guard))
    assert names(first, report(check("g", **guard))) == [("g", "clean"), ("g", "leak")]
    again = report(check("g", LEAK, **guard), check("g", **guard))
    assert names(first, again) == [("g", "leak"), ("g", "leak")]


@pytest.mark.parametrize(
    "other",
    [
        {"nodeid": "tests/test_z.py::a"},
        {"kind": "growth"},
        {"scope": "class"},
        {"name": "b"},
    ],
)
def test_what_differs_in_name_or_place_is_another_check(other: dict[str, Any]) -> None:
    """By test, kind, scope and name."""
    one = check("a", kind="fixture", scope="module")
    assert len(names(report(one), report({**one, **other}))) == 2


def test_environments_are_kept_apart() -> None:
    """Each check has the number of its own, and the first is the report's."""
    found = merged(report(check("a")), report(check("a", LEAK), environment=OTHER)).report
    assert found["environment"] == ENVIRONMENT
    assert found["environments"] == [ENVIRONMENT, OTHER]
    assert [(each["environment"], each["verdict"]) for each in found["checks"]] == [
        *((0, "clean"), (1, "leak")),
    ]
    again = merged(report(check("a", LEAK), environment=OTHER), found).report
    assert again["environments"] == [OTHER, ENVIRONMENT]
    assert [(each["environment"], each["verdict"]) for each in again["checks"]] == [
        *((0, "leak"), (1, "clean")),
    ]


def test_one_environment_needs_no_numbers() -> None:
    """The report is like any other, where a merged one named only one."""
    alone = report({**check("a"), "environment": 0}, environments=[ENVIRONMENT])
    found = merged(report(check("b")), alone).report
    assert "environments" not in found
    assert not any("environment" in each for each in found["checks"])


def test_what_is_partial_is_told_with_its_report() -> None:
    """Once, however often it is merged."""
    found = merged(report(), report(partial="Ctrl-C"), report(partial="no disk")).report
    assert found["partial"] == "b.json: Ctrl-C; c.json: no disk"
    assert merged(found, report()).report["partial"] == found["partial"]
    assert merged(report(partial="Ctrl-C")).report["partial"] == "Ctrl-C"
    assert "partial" not in merged(report(), report()).report


def test_notes_are_joined_without_duplicates() -> None:
    """In their order."""
    found = merged(report(notes=["a", "b"]), report(), report(notes=["b", "c"])).report
    assert found["notes"] == ["a", "b", "c"]
    assert "notes" not in merged(report()).report


def test_what_nobody_knows_survives() -> None:
    """In the report, the first one's where several have it, and in its parts."""
    one, other = report({**check("a"), "new": 1}, exit_status=3), report(exit_status=4, more=[5])
    found = merged(one, other).report
    assert (found["exit_status"], found["more"]) == (3, [5])
    assert found["checks"][0]["new"] == 1


CHECKS = st.builds(
    lambda make, name: make(name),
    st.sampled_from(
        [check, open_check, lambda name: check(name, LEAK), lambda name: check(name, KNOWN)]
    ),
    st.sampled_from("ab"),
)
REPORTS = st.builds(
    lambda checks, **fields: report(*checks, **fields),
    st.lists(CHECKS, max_size=4),
    created=st.sampled_from([EARLY, LATE]),
    environment=st.sampled_from([ENVIRONMENT, OTHER]),
)


def essence(found: dict[str, Any]) -> Any:
    """Return which checks a report has, what came of each, and where."""
    where = found.get("environments", [found["environment"]])
    return [
        (each["name"], each["verdict"], fails(each), where[each.get("environment", 0)]["python"])
        for each in found["checks"]
    ]


@given(st.lists(REPORTS, min_size=3, max_size=3))
def test_it_does_not_matter_what_is_merged_first(reports: list[dict[str, Any]]) -> None:
    """The checks, their verdicts, order and counts are the same."""
    first, second, third = (Given(name, each) for name, each in zip("abc", reports, strict=True))
    left = merge([Given("ab", merge([first, second], TOOL).report), third], TOOL).report
    right = merge([first, Given("bc", merge([second, third], TOOL).report)], TOOL).report
    whole = merge([first, second, third], TOOL).report
    assert essence(left) == essence(right) == essence(whole)
    same = ("summary", "reports", "created")
    assert [[each[name] for name in same] for each in (left, right)] == [
        [whole[name] for name in same]
    ] * 2


@given(REPORTS)
def test_a_report_merged_with_itself_is_itself(one: dict[str, Any]) -> None:
    """But for the version that merged it."""
    twice = merge([Given("a", one), Given("a", one)], TOOL)
    assert twice.report == merge([Given("a", one)], TOOL).report == {**one, "tool": TOOL}
    assert (twice.repeated, twice.leaked) == (len(one["checks"]), 0)


@given(st.lists(REPORTS, min_size=1, max_size=3))
def test_nothing_is_lost_and_no_leak_is_hidden(reports: list[dict[str, Any]]) -> None:
    """Every check of every report is there, and what leaks in one leaks in all."""
    found = set(essence(merged(*reports).report))
    for each in reports:
        for name, verdict, leaks, python in essence(each):
            same = {one for one in found if (one[0], one[3]) == (name, python)}
            assert same
            assert verdict != "leak" or "leak" in {one[1] for one in same}
            assert not leaks or any(one[2] for one in same)
