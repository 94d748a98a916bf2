"""Known leaks on literal checks: what an entry allows, until when, and what an update keeps."""

from dataclasses import replace
from datetime import date

import pytest

from pytest_ocrleak import baseline
from pytest_ocrleak.baseline import REASON, TERM, Baseline, Entry
from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.verdict import Growth

TODAY = date(2030, 5, 1)
TEST = "tests/test_x.py::test_y"
FILE = Leak("fds", "/data.bin", 1, 1.0, ("tests/test_x.py:12 in load",), fingerprint="f")
HEAP = Leak("heap", "grows by 10 KB per run", 1, 10e3, fingerprint="h")
ENTRY = Entry(TEST, "fds", "/data.bin", "f", allowed=1, reason="a cache", expires=TODAY)


def check(*leaks: Leak, runs: int = 1, **meters: Growth) -> Check:
    """Return a check of one test."""
    leaking = {leak.meter: Growth("leak") for leak in leaks}
    return Check("test", "test_y", runs, {**leaking, **meters}, leaks, TEST)


def told(leak: Leak, *entries: Entry, runs: int = 1, today: date = TODAY) -> tuple[bool, str]:
    """Return whether a leak is known, and what is said of it."""
    found = baseline.judged(check(leak, runs=runs), Baseline(entries), today)
    return found.leaks[0].known, found.leaks[0].remark


def test_a_known_leak_fails_nothing_and_others_do() -> None:
    """The verdict stays what was measured."""
    known = baseline.judged(check(FILE), Baseline((ENTRY,)), TODAY)
    assert known.verdict == "leak"
    assert not known.fails(strict=True)
    both = baseline.judged(check(FILE, HEAP), Baseline((ENTRY,)), TODAY)
    assert [leak.known for leak in both.leaks] == [True, False]
    assert both.fails(strict=False)


def test_what_is_undecided_fails_a_strict_check_but_not_beside_known_leaks() -> None:
    """It may be their doing: a file that stays has a buffer."""
    assert check(heap=Growth("inconclusive")).fails(strict=True)
    found = check(replace(FILE, known=True), heap=Growth("inconclusive"))
    assert not found.fails(strict=True)


def test_it_is_said_why_a_leak_is_known_or_not() -> None:
    """Reason and date, an entry that expired, one that allows less."""
    assert told(FILE, ENTRY) == (True, "known: a cache, until 2030-05-01")
    assert told(FILE, replace(ENTRY, reason="", expires=None)) == (True, "known: no reason given")
    assert told(FILE, ENTRY, today=date(2030, 5, 2)) == (
        False,
        "its entry in the baseline expired on 2030-05-01",
    )
    assert told(replace(FILE, count=2, per_run=2.0), ENTRY) == (
        False,
        "more than the baseline allows: 1",
    )


@pytest.mark.parametrize(
    ("leak", "runs", "allowed", "known"),
    [
        (replace(FILE, per_run=3.0), 1, 3.0, True),
        (replace(FILE, per_run=3.1), 1, 3.0, False),
        (replace(FILE, per_run=0.24), 25, 0.2, True),
        (replace(FILE, per_run=2.0), 25, 1.0, False),
        (replace(HEAP, fingerprint="f"), 25, 9e3, True),
        (replace(HEAP, fingerprint="f"), 25, 7e3, False),
    ],
)
def test_one_pass_counts_exactly_and_rates_have_noise(
    leak: Leak,
    runs: int,
    allowed: float,
    known: bool,  # noqa: FBT001
) -> None:
    """Bytes may differ by a quarter, rates of things by a quarter of one."""
    entry = replace(ENTRY, meter=leak.meter, allowed=allowed)
    assert told(leak, entry, runs=runs)[0] is known


def test_a_residue_is_as_large_as_its_meter_says() -> None:
    """It does not grow per run, and is still more than before."""
    leak = Leak("heap", "one-time residue of 20 MB", 1, 0.0, fingerprint="r")
    found = check(leak, heap=Growth("leak", one_time=20e6))
    entry = Entry(TEST, "heap", "one-time residue of 9 MB", "r", allowed=9e6)
    assert baseline.left(found)["r"].allowed == 20e6
    assert not baseline.judged(found, Baseline((entry,)), TODAY).leaks[0].known


def test_leaks_that_are_alike_are_counted_together() -> None:
    """Two of a name that are told apart by what opened them are one entry's."""
    found = check(FILE, FILE)
    assert baseline.left(found) == {
        "f": Entry(TEST, "fds", "/data.bin", "f", "tests/test_x.py in load", 2.0)
    }
    assert not baseline.judged(found, Baseline((ENTRY,)), TODAY).leaks[0].known


def test_where_may_be_a_glob_and_an_exact_entry_goes_first() -> None:
    """Brackets of a parameter are taken as they are written."""
    every = replace(ENTRY, where="tests/*", allowed=5)
    assert told(replace(FILE, per_run=5.0), every)[0]
    assert not told(replace(FILE, per_run=5.0), every, ENTRY)[0]
    assert Baseline((replace(ENTRY, where="t.py::test_a[1]"),)).about("t.py::test_a[1]")
    assert not Baseline((ENTRY,)).about("tests/test_x.py::test_z")


def test_an_entry_is_unused_where_its_meter_was_judged_and_found_nothing() -> None:
    """A meter that could not judge or was not asked proves nothing, nor does one pass of bytes."""
    other = replace(ENTRY, meter="threads", fingerprint="t")
    known = Baseline((ENTRY, replace(ENTRY, meter="heap", fingerprint="h"), other))
    clean, open_one = Growth("clean"), Growth("inconclusive")
    assert baseline.proven(check(fds=clean, heap=open_one), known).exact == {0}
    assert baseline.proven_clean(TEST, known, {"fds", "heap"}).exact == {0}
    assert not baseline.proven_clean(TEST, known, {"maps"})
    assert baseline.unused(known, {0, 1}, baseline.left(check(HEAP)).values()) == [0]
    assert baseline.unused(known, {1}, ()) == [1]
    freed = Baseline((replace(ENTRY, meter="use"),))
    assert baseline.proven(check(fds=clean), freed).exact == {0}


def test_an_entry_with_a_glob_is_proven_by_all_its_checks_of_a_run_of_everything() -> None:
    """One is a part; one whose meter could not judge leaves it open, in whatever order."""
    every = replace(ENTRY, where="tests/*")
    known = Baseline((every, replace(every, fingerprint="g"), ENTRY))
    seen = baseline.proven(check(fds=Growth("clean")), known)
    assert seen.all(everywhere=False) == {2}
    assert seen.all(everywhere=True) == {0, 1, 2}
    seen.add(baseline.proven(check(fds=Growth("inconclusive")), known))
    seen.add(baseline.proven(check(fds=Growth("clean")), known))
    assert seen.all(everywhere=True) == {2}


def test_an_update_keeps_what_is_still_there_and_takes_out_what_is_gone() -> None:
    """Reasons and dates stay, what was not looked for stays, new leaks come in their order."""
    other = replace(ENTRY, where="tests/test_z.py::test_z", reason="not run today")
    gone = replace(ENTRY, fingerprint="gone", what="/gone.bin")
    known = Baseline((ENTRY, gone, other))
    new = Entry(TEST, "heap", "grows", "h", allowed=10e3)
    same = replace(ENTRY, reason="", expires=None)
    found = baseline.updated(known, {0, 1}, [new, same], TODAY)
    fresh = replace(new, reason=REASON, expires=TODAY + TERM)
    assert found.entries == (ENTRY, fresh, other)
    assert baseline.updated(found, {0, 1}, [new, same], TODAY) == found


@pytest.mark.parametrize(("runs", "grown"), [(60, False), (1, True)])
def test_what_runs_leave_mapped_differs_a_little_from_run_to_run(runs: int, *, grown: bool) -> None:
    """It is divided by the runs, of which the first may have left more; one pass is exact."""
    entry = Entry("tests/test_x.py::test_y", "maps", "/m.bin", "0", "", 4096.0)
    assert baseline.grew(entry, 4200.0, runs) is grown
    assert baseline.grew(entry, 3 * 4096.0, runs)


def test_an_update_renews_what_expired_and_allows_what_grew() -> None:
    """It accepts all of today's leaks; noise changes no figure."""
    later = date(2030, 6, 1)
    found = replace(ENTRY, allowed=3.0)
    (renewed,) = baseline.updated(Baseline((ENTRY,)), {0}, [found], later).entries
    assert renewed == replace(ENTRY, allowed=3.0, expires=later + TERM)
    heap = replace(ENTRY, meter="heap", allowed=10e3)
    noisy = replace(heap, allowed=12e3)
    assert baseline.updated(Baseline((heap,)), {0}, [noisy], TODAY).entries == (heap,)


def test_entries_about_one_test_are_told_from_those_about_any() -> None:
    """A session's fixture and a glob belong to no file that may go."""
    wheres = (TEST, "t.py · fixture a (module)", "fixture a (session)", "tests/* · guard a")
    known = Baseline(tuple(replace(ENTRY, where=where) for where in wheres))
    assert list(baseline.tests(known)) == [(0, TEST), (1, "t.py")]
