"""Two reports, compared: on literals, on foreign JSON, and on what the plugin writes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import held
import pytest
import reports as filed
from hypothesis import given
from hypothesis import strategies as st
from planting import ocrleak

from pytest_ocrleak.cli.command import InputError
from pytest_ocrleak.cli.documents.inputs import load, understood
from pytest_ocrleak.cli.documents.record import ShapeError, document
from pytest_ocrleak.cli.documents.reports import Done, Environment, Found, Report, Said, compare
from pytest_ocrleak.cli.pages import changes, reported, screen
from pytest_ocrleak.cli.pages.plain import rendered
from pytest_ocrleak.cli.process.history import begun
from pytest_ocrleak.cli.process.holdings import Holdings

EXACT, BYTES = Said("leak", "descriptors"), Said("leak")
FILE = Found("fds", "/etc/hosts", 1, 1.0, "f1")


def check(name: str, *leaks: Found, **fields: Any) -> Done:
    """Return a check of a test with its leaks."""
    verdict = "leak" if leaks else "clean"
    meters = {"fds": EXACT, "heap": BYTES} if leaks else {"fds": Said("clean", "descriptors")}
    told = {"verdict": verdict, "meters": meters, "nodeid": f"t.py::{name}", **fields}
    return Done(kind=told.pop("kind", "test"), name=name, runs=1, leaks=leaks, **told)


def compared(older: Sequence[Done], newer: Sequence[Done]) -> dict[str, list[str]]:
    """Return the leaks of each group, told in short."""
    found = compare(Report(tuple(older)), Report(tuple(newer)))
    groups = {name: getattr(found, name) for name in ("new", "still", "gone", "unproven")}
    return {
        name: [(pair.newer or pair.older).what for pair in pairs]
        for name, pairs in groups.items()
        if pairs
    }


def test_a_leak_that_only_the_second_has_is_new() -> None:
    """In a check that was there, and in one that was not."""
    assert compared([check("a")], [check("a", FILE)]) == {"new": ["/etc/hosts"]}
    assert compared([], [check("a", FILE)]) == {"new": ["/etc/hosts"]}


def test_a_leak_that_both_have_is_still_there() -> None:
    """Told by its fingerprint: names may differ in numbers."""
    other = FILE._replace(what="/etc/hosts2")
    assert compared([check("a", FILE)], [check("a", other)]) == {"still": ["/etc/hosts2"]}
    assert compared([check("a", FILE)], [check("b", FILE), check("a")]) == {
        "new": ["/etc/hosts"],
        "gone": ["/etc/hosts"],
    }


def test_a_leak_is_gone_only_where_it_was_looked_for() -> None:
    """A check that was not made, and a meter that could not judge, prove nothing."""
    older = [check("a", FILE)]
    assert compared(older, [check("a")]) == {"gone": ["/etc/hosts"]}
    assert compared(older, []) == {"unproven": ["/etc/hosts"]}
    blind = check("a", meters={"fds": Said("unavailable", reason="no /proc")})
    assert compared(older, [blind]) == {"unproven": ["/etc/hosts"]}


def test_a_fixture_is_the_same_whichever_test_it_ends_in() -> None:
    """A module's in its module, a session's anywhere."""
    for scope in ("module", "session"):
        older, newer = (
            check("pool", FILE, kind="fixture", scope=scope, nodeid=f"t.py::{test}")
            for test in ("test_a", "test_b")
        )
        assert compared([older], [newer]) == {"still": ["/etc/hosts"]}


def test_a_check_that_was_made_again_counts_with_its_worst() -> None:
    """A test that ran again is one check."""
    again = [check("a"), check("a", FILE)]
    assert compared(again, again[::-1]) == {"still": ["/etc/hosts"]}
    assert not compare(Report(tuple(again)), Report(tuple(again[::-1]))).verdicts


def test_changed_verdicts_and_surroundings_are_told() -> None:
    """On a page for people."""
    older = Report((check("a"),), Environment("3.11", "Linux", "glibc"))
    newer = Report((check("a", FILE),), Environment("3.12", "Linux", "glibc"))
    text = rendered(reported.page(compare(older, newer)), 80)
    assert "1 new leak · 0 still there · 0 gone" in text
    assert "python: 3.11 in the first, 3.12 in the second" in text
    assert "clean  leak  t.py::a" in text


@pytest.mark.parametrize("width", [80, 160])
def test_long_names_leave_room_for_each_other(width: int) -> None:
    """A leak and its check share a line."""
    leak = FILE._replace(what="/srv/" + "x" * 200)
    text = rendered(reported.page(compare(Report(()), Report((check("y" * 200, leak),)))), width)
    assert max(map(len, text.splitlines())) <= width


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PROCESS = json.loads(json.dumps(document(held.EMPTY)))
REPORT: Any = filed.report(filed.check("a", filed.LEAK))


def places(data: Any) -> list[tuple[Any, Any]]:
    """Return each container in plain data with each of its keys."""
    if not isinstance(data, (dict, list)):
        return []
    keys = data if isinstance(data, dict) else range(len(data))
    return [place for key in keys for place in ((data, key), *places(data[key]))]


@given(st.sampled_from([PROCESS, REPORT]), st.data(), JSON)
def test_any_json_is_understood_or_refused(whole: Any, data: st.DataObject, other: Any) -> None:
    """A part of a document that is something else is told by its place, or does not matter."""
    copy = json.loads(json.dumps(whole))
    container, key = data.draw(st.sampled_from(places(copy)))
    container[key] = other
    try:
        found = understood(copy)
    except ShapeError:
        return
    if isinstance(found, Holdings):
        page = changes.two(begun(found).then(held.EMPTY))
    else:
        page = reported.page(compare(found, found))
    assert rendered(page, 80)


@given(JSON)
def test_foreign_json_is_refused(data: Any) -> None:
    """It is neither a report nor a process."""
    with pytest.raises(ShapeError):
        understood(data)


@given(st.binary(max_size=60))
def test_foreign_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """In a sentence that names the file and says what to give."""
    path = tmp_path_factory.getbasetemp() / "foreign.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"foreign.json .*: give a report of"):
        load(str(path))


def test_a_process_comes_back_from_json_as_it_was() -> None:
    """All its fields."""
    assert understood(PROCESS) == held.EMPTY


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Path]:
    """Return files of each kind."""
    leak = {**filed.LEAK, "what": "/a\x1b[2J", "count": 3}
    clean, leaking = filed.report(filed.check("a")), filed.report(filed.check("a", leak))
    later = {**PROCESS, "schema_version": 2}
    bogus = filed.report({**filed.check("a"), "verdict": "bogus"})
    contents = {
        "clean": clean,
        "leaking": leaking,
        "process": PROCESS,
        "later": later,
        "bogus": bogus,
        "list": [],
        "deep": None,
        "text": None,
    }
    paths = {name: tmp_path / f"{name}.json" for name in contents}
    for name, data in contents.items():
        paths[name].write_text(json.dumps(data))
    paths["deep"].write_text("[" * 100_000)
    paths["text"].write_text("{nope")
    return {**paths, "folder": tmp_path, "missing": tmp_path / "missing.json"}


def test_new_leaks_are_a_failure_and_nothing_else_is(written: dict[str, Path]) -> None:
    """The exit code tells, and the page is safe to print."""
    found = ocrleak("diff", written["clean"], written["leaking"])
    assert (found.returncode, found.stderr) == (1, "")
    assert "\x1b" not in found.stdout
    assert "×3  /a\\x1b[2J" in found.stdout
    assert ocrleak("diff", written["leaking"], written["clean"]).returncode == 0
    assert ocrleak("diff", written["leaking"], written["leaking"]).returncode == 0


def test_two_outputs_of_inspect_are_compared(written: dict[str, Path], tmp_path: Path) -> None:
    """By names and figures, as JSON too."""
    more = held.EMPTY._replace(taken=held.NOW + 60, descriptors=held.files("/a", "/a"))
    (tmp_path / "more.json").write_text(json.dumps(screen.made_valid(document(more))))
    told = ocrleak("diff", written["process"], tmp_path / "more.json")
    assert told.returncode == 0
    assert "+2  fds    file  /a" in told.stdout
    assert "1 min later" in told.stdout
    data = json.loads(ocrleak("diff", written["process"], tmp_path / "more.json", "--json").stdout)
    assert data["meters"]["fds"] == {
        "now": 2,
        "change": 2,
        "per_minute": 2.0,
        "unit": "descriptors",
    }
    assert [(each["what"], each["count"]) for each in data["appeared"]] == [("/a", 2)]


@pytest.mark.parametrize(
    ("name", "reason"),
    {
        "missing": "cannot be read (No such file or directory)",
        "folder": "cannot be read (Is a directory)",
        "text": "is no JSON",
        "deep": "is no JSON",
        "list": "neither a report nor a process",
        "later": "was written by a newer version (its schema_version is 2, known is 1): upgrade",
        "bogus": "checks[0].verdict is none of clean, leak, inconclusive",
        "clean": "is a process and the other one a report: give two of one kind",
    }.items(),
)
def test_what_cannot_be_compared_is_refused(
    written: dict[str, Path], name: str, reason: str
) -> None:
    """In one sentence on stderr."""
    found = ocrleak("diff", written["process"], written[name])
    assert (found.returncode, found.stdout) == (2, "")
    assert reason in found.stderr
    assert found.stderr.count("\n") == 1
