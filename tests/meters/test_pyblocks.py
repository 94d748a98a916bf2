"""Python's own allocator: small objects that stay, and the silence where none do."""

import itertools
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

import pytest_ocrleak
from pytest_ocrleak import LeakError, settle
from pytest_ocrleak.inventory import Amount, Unavailable
from pytest_ocrleak.meters import METERS, pyblocks
from pytest_ocrleak.report.document import plain


def work() -> str:
    """Make objects of many kinds and let go of them all."""
    return ",".join(str([number, {number: (number,)}]) for number in range(40))


@pytest.mark.parametrize("function", [int, work])
def test_clean_code_is_clean_time_after_time(function: Callable[[], object]) -> None:
    """The checker's own objects must not show: its first version alarmed on everything."""
    for _ in range(25):
        growth = pytest_ocrleak.assert_no_growth(function, track="pyblocks")
        assert growth["pyblocks"].verdict == "clean"
        assert growth["pyblocks"].per_run < 0.1


@pytest.mark.parametrize("function", [int, work])
def test_clean_code_is_clean_with_all_meters(function: Callable[[], object]) -> None:
    """What the other meters list and drop does not show either."""
    for _ in range(5):
        growth = pytest_ocrleak.assert_no_growth(function)
        assert growth["pyblocks"].verdict == "clean"


def test_a_list_that_grows_by_a_small_object() -> None:
    """The heap sees the list's eight bytes at most; the object is in a block of Python's."""
    kept: list[object] = []
    with pytest.raises(LeakError, match=r"pyblocks: grows by 1 block per run") as caught:
        pytest_ocrleak.assert_no_growth(
            lambda: kept.append(object()), runs=20_000, track="heap,pyblocks"
        )
    meters = caught.value.check.meters
    assert meters["pyblocks"].per_run == pytest.approx(1, abs=0.01)
    assert meters["heap"].per_run < 32


class Page:
    """Something of a user's own."""

    def __init__(self) -> None:
        self.text = f"page {id(self)}"


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (Page, ["1 test_pyblocks.Page", "1 str"]),
        (object, ["1 object"]),
        (lambda: bytes(100), ["1 bytes"]),
        (lambda: {"a": [1.5]}, ["1 dict", "1 list"]),
    ],
)
def test_the_objects_that_grow_are_named(make: Callable[[], object], names: list[str]) -> None:
    """By type and number per run, whether the collector tracks them or not."""
    kept: list[object] = []
    with pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(lambda: kept.append(make()), track="pyblocks")
    (leak,) = caught.value.leaks
    assert all(name in leak.what for name in names)


def test_what_the_user_froze_stays_frozen() -> None:
    """A check leaves out of its collections what was there, and thaws no more than that."""
    code = (
        "import gc, pytest_ocrleak; before = gc.get_freeze_count();"
        "pytest_ocrleak.assert_no_growth(int); assert gc.get_freeze_count() <= before;"
        "gc.freeze(); frozen = gc.get_freeze_count();"
        "pytest_ocrleak.assert_no_growth(int); assert gc.get_freeze_count() > 0.9 * frozen"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_garbage_in_cycles_is_collected_while_repeating() -> None:
    """Cycles made by the code are no leak; the same kept is one."""
    kept: list[object] = []

    def cycle() -> list[object]:
        ring: list[object] = []
        ring.append(ring)
        return ring

    assert pytest_ocrleak.assert_no_growth(cycle)["pyblocks"].verdict == "clean"
    with pytest.raises(LeakError, match="1 list"):
        pytest_ocrleak.assert_no_growth(lambda: kept.append(cycle()), track="pyblocks")


def test_the_report_tells_blocks() -> None:
    """In the table and in the JSON: a block's size is not known, so no bytes are claimed."""
    kept: list[object] = []
    with pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(
            lambda: kept.append([[], []]), runs=2400, track="pyblocks", tolerance={"pyblocks": 1}
        )
    assert "blocks" in str(caught.value)
    assert re.search(r'^ +tolerance={"pyblocks": [\d.]+}$', str(caught.value), re.MULTILINE)
    told = plain(caught.value.check)["meters"]["pyblocks"]
    assert told["unit"] == "blocks"
    assert told["per_run"] == pytest.approx(4, abs=1.1)


def test_names_that_the_interpreter_remembers_are_no_leak() -> None:
    """C code that asks for attributes by new strings fills the cache of types' attributes.

    It keeps up to 4096 names, which looks like a leak for hundreds of runs.
    """
    number = itertools.count()

    class Asked:
        pass

    growth = pytest_ocrleak.assert_no_growth(
        lambda: getattr(Asked, f"attribute {next(number)}", None), runs=1200, track="pyblocks"
    )
    assert growth["pyblocks"].verdict == "clean"
    assert growth["pyblocks"].per_run < 0.1


def test_an_object_that_each_life_leaves() -> None:
    """Life after life: nothing native stays, and still the objects are told."""
    kept: list[object] = []

    class Engine:
        def free_resources(self) -> None:
            kept.append([object() for _ in range(100)])

    with pytest.raises(LeakError, match=r"pyblocks: grows by 10\d blocks per life"):
        pytest_ocrleak.assert_releases(Engine, track="pyblocks")


def test_reading_takes_no_block() -> None:
    """10 000 readings: the figure after is the figure before."""
    settle.settle()
    before = pyblocks.read()
    for _ in range(10_000):
        pyblocks.read()
    settle.settle()
    after = pyblocks.read()
    assert isinstance(before, Amount)
    assert isinstance(after, Amount)
    assert after.value - before.value <= 5  # the first reading itself, which is kept


def test_without_an_allocator_of_pythons_own_it_is_unavailable() -> None:
    """With ``PYTHONMALLOC=malloc`` the interpreter counts no blocks, and the heap sees all."""
    code = "from pytest_ocrleak.meters import pyblocks; print(pyblocks.read().reason)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "does not follow what is allocated (as with PYTHONMALLOC=malloc)" in done.stdout


def test_another_interpreter_has_no_such_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function is CPython's."""
    monkeypatch.delattr(sys, "getallocatedblocks")
    pyblocks.hindrance.cache_clear()
    reading = METERS["pyblocks"].read()
    pyblocks.hindrance.cache_clear()
    assert isinstance(reading, Unavailable)
    assert "has no sys.getallocatedblocks" in reading.reason
