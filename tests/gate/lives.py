"""Life after life of real engines: the good ones pass, each careless one is caught and named."""

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import raw_engine
from ocrleak_engine import OcrEngine
from raw_engine import RawEngine

import pytest_ocrleak
from pytest_ocrleak import Checker, LeakError

IMAGE = Path(__file__).parents[2] / "examples" / "images" / "screen-photo.jpg"


@pytest.fixture(autouse=True)
def _empty_hands() -> Iterator[None]:
    """Let go of what a careless engine kept."""
    yield
    for kept in RawEngine.kept:
        _let_go(kept)
    RawEngine.kept.clear()
    raw_engine._cached.cache_clear()


def _let_go(kept: Any) -> None:
    if isinstance(kept, subprocess.Popen):
        kept.communicate()
    elif hasattr(kept, "close"):
        kept.close()
    elif getattr(kept, "__name__", "") == "set":
        kept()


@pytest.mark.parametrize("free", ["free_resources", "__exit__", OcrEngine.free_resources])
def test_the_engine_gives_everything_back(
    ocrleak: Checker, free: str | Callable[[Any], object]
) -> None:
    """By its method, as a context manager and through a callable."""
    meters = ocrleak.assert_releases(
        OcrEngine, lambda e: e.recognize(IMAGE), free=free, time_limit=20
    )
    verdicts = {name: (growth.verdict, growth.reason) for name, growth in meters.items()}
    assert {verdict for verdict, _ in verdicts.values()} <= {"clean", "unavailable"}, verdicts
    assert meters["heap"].resolution < 256 * 1024


def test_the_context_manager_form_does_not_grow(ocrleak: Checker) -> None:
    """The same as a function that is repeated."""

    def read() -> str:
        with OcrEngine() as engine:
            return engine.recognize(IMAGE).text

    ocrleak.assert_no_growth(read, tolerance={"heap": "64 KiB"}, track="fds,threads,heap")


HOLDERS = {"lru_cache": "lru_cache of _cached", "thread": "what it runs: "}


@pytest.mark.parametrize(
    ("keep", "meter"), raw_engine.LEAKING.items(), ids=[k.__name__ for k in raw_engine.LEAKING]
)
def test_what_is_kept_after_freeing_is_caught(keep: Callable[[RawEngine], Any], meter: str) -> None:
    """Nine ways to keep native memory and four to keep a thing, by meter, keeper and line."""
    with pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_releases(partial(RawEngine, keep), RawEngine.recognize)
    assert meter in {leak.meter for leak in caught.value.leaks}
    assert caught.value.check.meters[meter].verdict == "leak"
    assert caught.value.check.meters[meter].per_run >= (1 if meter != "heap" else 1_000_000)
    by_meter = {leak.meter: leak for leak in caught.value.leaks}
    keepers = " ".join(by_meter[meter].kept_by)
    assert HOLDERS.get(keep.__name__, "class RawEngine.kept[") in keepers
    if "threads" in by_meter:
        assert "raw_engine.py" in by_meter["threads"].opened_at[0]


@pytest.mark.parametrize("keep", [None, *raw_engine.HARMLESS])
def test_what_keeps_nothing_native_is_quiet(
    ocrleak: Checker, keep: Callable[[RawEngine], Any] | None
) -> None:
    """The twins: copies, texts, options, garbage."""
    ocrleak.assert_releases(partial(RawEngine, keep), RawEngine.recognize)


class Lying(RawEngine):
    """Believes that it frees, and does nothing: memory goes only with the object."""

    def free_resources(self) -> None:
        """Refuse further use, and keep the session."""
        self.hidden, self.session = self.session, raw_engine._Freed()


def test_what_goes_only_with_the_object_was_not_freed() -> None:
    """No growth from life to life, and still a leak, since freeing freed nothing."""
    with pytest.raises(LeakError, match=r"still held after free_resources\(\)") as caught:
        pytest_ocrleak.assert_releases(Lying, RawEngine.recognize)
    assert {leak.meter for leak in caught.value.leaks} == {"heap", "threads"}
    assert all("freed object itself" in leak.kept_by[0] for leak in caught.value.leaks)
    assert any("Lying.hidden" in line for leak in caught.value.leaks for line in leak.kept_by)


class Hoarding:
    """Holds a small array and a large one until it is dropped itself."""

    def __init__(self) -> None:
        self.small = np.ones(10)
        self.large = np.ones(2_000_000)


@pytest.mark.parametrize(
    ("free", "freeing"), [(lambda _: None, "freeing it"), (id, r"id\(\)")], ids=["nameless", "id"]
)
def test_what_is_held_is_told_by_its_size_and_the_largest_object(
    free: Callable[[Any], object], freeing: str
) -> None:
    """The first line says what is held, not that nothing grows."""
    first_line = rf"^Hoarding leaks \(heap: 16\.\d MB is still held after {freeing}\)"
    with pytest.raises(LeakError, match=first_line) as caught:
        pytest_ocrleak.assert_releases(Hoarding, free=free, runs=5, track="heap")
    assert caught.value.leaks[0].kept_by[1] == "Hoarding.large"
    assert caught.value.check.meters["heap"].per_run < 100_000


class OneSlot(RawEngine):
    """Keeps the last engine's thread, and lets go of the one before."""

    def free_resources(self) -> None:
        """Keep one session at a time."""
        RawEngine.kept[:] = [self.session]
        super().free_resources()


def test_a_slot_that_every_life_fills_is_caught() -> None:
    """The count stays at one, but each life leaves another thread."""
    with pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_releases(OneSlot, RawEngine.recognize, track="threads")
    assert caught.value.leaks[0].per_run == 1


class Reusable(RawEngine):
    """Loads again when it is used after it was freed."""

    def free_resources(self) -> None:
        """Drop the session and be ready for another."""
        self.session = None


def test_a_freed_engine_must_refuse() -> None:
    """Use after freeing that works would take memory that nobody frees."""
    before = psutil.Process().children()  # a server of multiprocessing lives on
    with pytest.raises(LeakError, match=r"use after free_resources\(\) did not raise"):
        pytest_ocrleak.assert_releases(Reusable, RawEngine.recognize, runs=3)
    assert psutil.Process().children() == before


def test_a_large_residue_of_the_first_life_is_a_finding() -> None:
    """16 MB that stay once are no growth, and no small matter."""
    kept: list[bytearray] = []

    class Hoarder:
        def free_resources(self) -> None:
            kept[:] = [bytearray(16_000_000)]

    with pytest.raises(LeakError, match=r"one-time residue of 16\.0 MB"):
        pytest_ocrleak.assert_releases(Hoarder)
    kept.clear()
    pytest_ocrleak.assert_releases(Hoarder, tolerance={"heap": "32 MB"})


def test_the_residue_that_is_accepted_can_be_set() -> None:
    """1 MB once, which averages over many runs hide, is a finding where the user says so."""
    kept: list[bytearray] = []

    class Keeper:
        def free_resources(self) -> None:
            kept[:] = [bytearray(1_000_000)]

    with pytest.raises(LeakError, match=r"one-time residue of .+ [KM]B \(accepted: 262\.1 KB\)"):
        pytest_ocrleak.assert_releases(Keeper, one_time={"heap": "256 KiB"})
    kept.clear()
    growth = pytest_ocrleak.assert_releases(Keeper, one_time={"heap": "4 MB"})
    assert growth["heap"].one_time >= 990_000
    with pytest.raises(ValueError, match="one_time=7: write meters with sizes"):
        pytest_ocrleak.assert_releases(Keeper, one_time=7)  # type: ignore[arg-type]


def test_a_missing_method_is_one_clear_sentence() -> None:
    """The message says how to name the right one."""
    with pytest.raises(TypeError, match=r"object has no method 'free_resources': name the one"):
        pytest_ocrleak.assert_releases(object)


def test_an_error_in_use_passes_and_the_object_is_freed() -> None:
    """The user's error is the news."""
    freed = []

    class Failing:
        def free_resources(self) -> None:
            freed.append(self)

    def use(_: Failing) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        pytest_ocrleak.assert_releases(Failing, use)
    assert len(freed) == 1
