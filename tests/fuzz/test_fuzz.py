"""Sequences of calls: those that leak are found and shortened, caches are not accused."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from subjects import (
    AfterFreeing,
    Caching,
    Dropped,
    InOrder,
    Logarithmic,
    OnBadInput,
    Reopening,
    SideBySide,
    Subject,
    WithThread,
)

from pytest_ocrleak import Checker, LeakError
from pytest_ocrleak.fuzz import Call, Tried, assert_no_sequence_leaks
from pytest_ocrleak.fuzz.explore import Space
from pytest_ocrleak.fuzz.search import Search, searched
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.off import Off
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.release import Life

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made on Linux")

CALLS = (Call("open"), Call("read", st.sampled_from(["good", b"bad"])), Call("flush"))
USUAL: dict[str, Any] = {"free": "close", "seconds": 120.0, "length": 6}
QUICK = "fds,heap"  # meters: half of the time of all of them


@pytest.fixture(autouse=True)
def mended() -> Iterator[None]:
    """Give back what a test's subjects left behind."""
    yield
    Subject.mend()
    SideBySide.alive = 0


def leak_of(subject: Callable[[], Any], *calls: Call, **options: Any) -> LeakError:
    """Return the error that tells of a subject's leak."""
    with pytest.raises(LeakError) as caught:
        assert_no_sequence_leaks(subject, *(calls or CALLS), **{**USUAL, "track": QUICK, **options})
    return caught.value


def pasted(error: LeakError) -> str:
    """Return the test at the end of an error's message."""
    head, _, code = str(error).partition("shortest sequence that leaks:\n\n")
    assert code, head
    return code


def steps(error: LeakError) -> list[str]:
    """Return the lines of the sequence in an error's message."""
    (test,) = (node for node in ast.parse(pasted(error)).body if isinstance(node, ast.FunctionDef))
    (run,) = (node for node in test.body if isinstance(node, ast.FunctionDef))
    return [line.strip() for line in ast.unparse(run).splitlines()[1:]]


def fails(error: LeakError) -> LeakError:
    """Return the error of the test that an error's message has, run as it stands."""
    names: dict[str, Any] = {}
    exec(pasted(error), names)  # noqa: S102 - that it runs is the point
    (test,) = (each for name, each in names.items() if name.startswith("test_"))
    with pytest.raises(LeakError) as caught:
        test(Checker())
    return caught.value


def test_two_calls_in_order_are_found_alone() -> None:
    """What leaks is told first as ever; the test to paste has the two calls and fails."""
    error = leak_of(InOrder)
    assert str(error).startswith("InOrder leaks (fds 1 per run, 0 allowed) after ")
    assert "subjects.py" in error.leaks[0].opened_at[0]
    assert steps(error) == [
        *("first = InOrder()", "try:", "first.open()"),
        *("with suppress(Exception):", "first.flush()", "finally:", "first.close()"),
    ]
    assert "from subjects import InOrder" in pasted(error)
    assert fails(error).leaks[0].meter == "fds"


def test_a_bad_input_alone_leaks_native_memory() -> None:
    """The call is written with its argument, and that it raises."""
    error = leak_of(OnBadInput, track="heap")
    assert error.leaks[0].meter == "heap"
    assert "with suppress(Exception):  # ValueError\n" in pasted(error)
    assert steps(error)[2:4] == ["with suppress(Exception):", "first.read(b'bad')"]


def test_two_objects_at_the_same_time_are_found() -> None:
    """Both are made, used, and freed in the reverse order."""
    error = leak_of(SideBySide)
    assert sorted(steps(error)) == sorted(
        [
            *("first = SideBySide()", "try:", "second = SideBySide()"),
            *("first.open()", "second.open()", "finally:", "second.close()", "first.close()"),
        ]
    )
    assert steps(error)[-2:] == ["second.close()", "first.close()"]


def test_a_use_after_freeing_is_found() -> None:
    """What was used after freeing is freed again at the end, as what may be opened anew must be."""
    error = leak_of(AfterFreeing)
    assert steps(error)[2:4] == ["first.close()", "first.read('good')"]
    assert steps(error)[-2:] == ["with suppress(Exception):", "first.close()"]


def test_what_is_opened_again_after_freeing_is_freed_again() -> None:
    """A class that allows it does not leak."""
    options = {**USUAL, "track": "fds", "sequences": 30}
    assert assert_no_sequence_leaks(Reopening, *CALLS, **options).sequences > 15


def test_a_thread_is_found() -> None:
    """By its name, with the line that started it."""
    error = leak_of(WithThread, Call("flush"), track="threads", length=3)
    assert "flusher" in error.leaks[0].what
    assert steps(error)[2:3] == ["first.flush()"]


def test_what_is_dropped_unfreed_leaks_only_where_that_is_asked() -> None:
    """By default each object is freed before it is dropped; without ``free`` none is."""
    options = {**USUAL, "track": "fds", "sequences": 20}
    assert assert_no_sequence_leaks(Dropped, Call("flush"), **options).sequences > 10
    error = leak_of(Dropped, Call("flush"), drops=True, sequences=20)
    assert steps(error) == ["first = Dropped()", "del first"]
    error = leak_of(Dropped, Call("flush"), free=None, sequences=20)
    assert steps(error) == ["first = Dropped()"]


def test_what_does_not_leak_is_tried_and_counted() -> None:
    """The mended twin of all of them; the same seed tries the same, another one others."""
    options = {**USUAL, "track": "fds", "sequences": 12}
    tried = [
        assert_no_sequence_leaks(Subject, *CALLS, **{**options, "seed": seed}) for seed in (1, 1, 2)
    ]
    same, again, other = tried
    assert 6 < same.sequences <= 12
    assert (same.sequences, same.calls) == (again.sequences, again.calls)
    assert (same.sequences, same.calls) != (other.sequences, other.calls)
    assert same.meters["fds"].verdict == "clean"
    assert str(same).startswith(f"{same.sequences} sequences, {same.calls} calls in ")


@pytest.mark.parametrize("subject", [Caching, Logarithmic])
def test_caches_pools_and_late_imports_are_not_accused(subject: type[Subject]) -> None:
    """What fills up, comes once, or comes ever more rarely is no leak in any sequence."""
    tried = assert_no_sequence_leaks(subject, *CALLS, **{**USUAL, "sequences": 20})
    assert tried.sequences > 12
    assert tried.meters["heap"].resolution < 2000


def test_the_time_is_kept() -> None:
    """By a clock that runs fast: however many sequences are asked for, it ends in time."""
    ticks = iter(range(10**6))
    life = Life(Subject, None, "close")
    search = Search(life, Limits(track=("fds",)), 60.0, lambda: float(next(ticks)))
    found = searched(search, Space(CALLS, 8, frees=True), sequences=10**6, seed=0)
    assert not found.found.leaks
    assert 5 < search.sequences < 40
    assert search.spent < 80


def test_an_interrupt_passes_through() -> None:
    """Whatever `Exception` a call raises is accepted, Ctrl-C is not one."""

    class Interrupted(Subject):
        count = 0

        def flush(self) -> None:
            """Raise an interrupt, the third time."""
            type(self).count += 1
            if self.count == 3:
                raise KeyboardInterrupt
            raise MemoryError

    with pytest.raises(KeyboardInterrupt):
        assert_no_sequence_leaks(Interrupted, Call("flush"), **USUAL)
    assert Interrupted.count == 3


def test_the_session_s_checker_records_it_and_its_limits_apply() -> None:
    """As a release, with its leaks; what is ignored there is no leak."""
    checks: list[Check] = []

    def record(check: Check) -> Check:
        checks.append(check)
        return check

    limits = Limits(track=("fds",))
    lenient = limits.narrowed(None, ["fds:*  # a test's"], None)
    call, options = Call("flush"), {**USUAL, "free": None, "sequences": 10}
    with pytest.raises(LeakError):
        Checker(limits, record).assert_no_sequence_leaks(Dropped, call, **options)
    Checker(lenient, record).assert_no_sequence_leaks(Dropped, call, **options)
    assert [(each.kind, each.name, each.verdict) for each in checks] == [
        ("release", "Dropped", "leak"),
        ("release", "Dropped", "clean"),
    ]


def test_switched_off_each_call_is_made_once() -> None:
    """And every meter says that nobody looked."""
    calls: list[str] = []

    class Noting(Subject):
        def read(self, data: object) -> None:
            """Note the argument."""
            calls.append(f"read {data!r}")

        def close(self) -> None:
            """Note that."""
            calls.append("close")

    tried = Off().assert_no_sequence_leaks(Noting, *CALLS, free="close")
    assert calls == ["read 'good'", "close"]
    assert isinstance(tried, Tried)
    assert {growth.verdict for growth in tried.meters.values()} == {"unjudged"}


@pytest.mark.parametrize(
    ("calls", "options", "sentence"),
    [
        ((), {}, "no call to try: declare some, Call('recognize', 'scan.png')"),
        (("open",), {}, "'open' is no call: write Call('open', arguments…)"),
        ((Call("opne"),), {}, "Subject object has no method 'opne' to call"),
        ((Call("open"),), {"free": "free"}, "Subject object has no method 'free'"),
        ((Call("open"),), {"seconds": 0}, "seconds=0: write a number above 0"),
        ((Call("open"),), {"length": "8"}, "length='8': write a number above 0"),
        ((Call("open"),), {"track": "fd"}, "'fd' is no meter"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    calls: Any, options: dict[str, Any], sentence: str
) -> None:
    """In a sentence; no call has been made by then."""
    ran: list[object] = []

    class Noting(Subject):
        def open(self) -> None:
            """Note that it ran."""
            ran.append(self)

    Noting.__name__ = "Subject"
    with pytest.raises((TypeError, ValueError)) as caught:
        assert_no_sequence_leaks(Noting, *calls, **{**USUAL, **options})
    assert str(caught.value).startswith(sentence)
    assert not ran


def test_a_coroutine_is_refused() -> None:
    """Its code would not run, and nothing would be checked."""

    class Asynchronous(Subject):
        async def flush(self) -> None:  # type: ignore[override]
            """Do nothing."""

    with pytest.raises(TypeError, match=r"returned a coroutine instead of running"):
        assert_no_sequence_leaks(Asynchronous, Call(Asynchronous.flush), **USUAL)


def test_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hypothesis is missing."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"pip install 'pytest-ocrleak\[fuzz\]'"):
        assert_no_sequence_leaks(Subject, Call("open"), **USUAL)


def test_it_works_without_pytest() -> None:
    """In a process that cannot import it, with calls that are no methods and a context manager."""
    code = """
import io, sys
sys.modules["pytest"] = None
from hypothesis import strategies as st
from pytest_ocrleak.fuzz import Call, assert_no_sequence_leaks

def written(file, text):
    return file.write(text)

print(assert_no_sequence_leaks(
    io.StringIO, Call(written, st.text()), Call("read", 1), free="__exit__", sequences=10
))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert " sequences, " in done.stdout, done.stderr
    assert done.returncode == 0
