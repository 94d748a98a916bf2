"""What is accepted: things that may linger or come at a rate, and the memory they take."""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

import pytest_ocrleak
from pytest_ocrleak import LeakError

process = ctypes.CDLL(None)
process.malloc.restype = ctypes.c_void_p
KINDS = [{"ignore": ["fds:*"]}, {"tolerance": {"fds": 1}}]


@pytest.fixture
def stay() -> Iterator[ExitStack]:
    """Where files stay open until the end of the test."""
    with ExitStack() as files:
        yield files


@pytest.fixture
def left(stay: ExitStack) -> Callable[..., None]:
    """Open some files, and leave them."""

    def leave(count: int = 1) -> None:
        for _ in range(count):
            stay.callback(os.close, os.open(os.devnull, os.O_RDONLY))

    return leave


@pytest.mark.parametrize(("accepted", "runs"), [(KINDS[0], "auto"), (KINDS[1], 60)])
def test_what_accepted_things_take_is_accepted_with_them(
    accepted: dict[str, object], runs: int | str, stay: ExitStack
) -> None:
    """A file has its buffer, the list its slot, and the check notes what opened it."""
    meters = pytest_ocrleak.assert_no_growth(
        lambda: stay.enter_context(open(os.devnull)),  # noqa: PTH123, SIM115
        runs=runs,
        **accepted,
    )
    assert {meters[name].verdict for name in ("fds", "heap", "pyblocks")} == {"clean"}
    assert meters["heap"].resolution >= meters["heap"].high


@pytest.mark.parametrize("accepted", KINDS)
def test_memory_beyond_that_leaks(accepted: dict[str, object], left: Callable[[], None]) -> None:
    """What a file takes is far less."""

    def run() -> None:
        left()
        process.malloc(300_000)

    with pytest.raises(LeakError, match="heap: grows by 30"):
        pytest_ocrleak.assert_no_growth(run, **accepted)


def test_a_pool_of_accepted_things_hides_nothing_once_it_is_full(stay: ExitStack) -> None:
    """Only what comes with each run explains growth."""
    pool: list[object] = []

    def run() -> None:
        process.malloc(300)
        if len(pool) < 20:
            pool.append(stay.enter_context(open(os.devnull)))  # noqa: PTH123, SIM115

    with pytest.raises(LeakError, match=r"heap: grows by 3\d\d B"):
        pytest_ocrleak.assert_no_growth(run, ignore=["fds:*"])


@pytest.mark.parametrize("runs", ["auto", 2])
def test_a_tolerance_for_things_is_kept_to_exactly(
    runs: int | str, left: Callable[..., None]
) -> None:
    """Two a run are accepted, five are not, however few runs there are."""
    check = partial(pytest_ocrleak.assert_no_growth, left, runs=runs, track="fds")
    check = partial(check, tolerance={"fds": 2})
    assert check(count=2)["fds"].verdict == "clean"
    with pytest.raises(LeakError, match="fds 5 per run, 2 allowed"):
        check(count=5)


def test_a_guard_accepts_things_up_to_its_tolerance(left: Callable[..., None]) -> None:
    """One pass is one run."""
    with pytest_ocrleak.guard(tolerance={"fds": 2}):
        left(2)
    with (
        pytest.raises(LeakError, match="fds 5, 2 allowed"),
        pytest_ocrleak.guard(tolerance={"fds": 2}),
    ):
        left(5)


class Engine:
    """An engine that leaves descriptors open, at some of its lives."""

    def __init__(self, left: Callable[..., None], every: int) -> None:
        self.left, self.every, self.lives = left, every, 0

    def __call__(self) -> "Engine":
        """Make it anew."""
        self.lives += 1
        return self

    def free_resources(self) -> None:
        """Free all, or nearly."""
        if self.lives % self.every == 0:
            self.left()


def test_lives_may_leave_what_is_accepted(left: Callable[..., None]) -> None:
    """One descriptor each, and no more."""
    meters = pytest_ocrleak.assert_releases(Engine(left, 1), track="fds", tolerance={"fds": 1})
    assert meters["fds"].verdict == "clean"
    with pytest.raises(LeakError, match="fds"):
        pytest_ocrleak.assert_releases(Engine(left, 1), track="fds")


def test_what_a_rare_life_leaves_is_waited_for_again(left: Callable[..., None]) -> None:
    """A single one may be chance; there is time to see the next ones."""
    with pytest.raises(LeakError, match="fds"):
        pytest_ocrleak.assert_releases(Engine(left, 7))
