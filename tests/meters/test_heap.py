"""The heap under each allocator that is really there, and the reasons where none can tell."""

import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.meters import allocators, heap, native
from pytest_ocrleak.meters.native import Allocator, Mallctl

SCENES = Path(__file__).with_name("allocator_scenes.py")
ALLOCATORS = ("glibc", "jemalloc", "mimalloc", "mimalloc in a wheel", "tcmalloc_minimal")
LEAKS = {
    "64 B": 64,
    "4 KiB": 4096,
    "3 MiB": 3 << 20,
    "64 B in threads": 64,
}
THREADS = ("64 B in threads freed", "64 B in late threads freed")
TWINS = ("64 B freed", "4 KiB freed", "3 MiB freed", *THREADS)


def library(name: str) -> str:
    """Return an allocator's shared library as ``LD_PRELOAD`` takes it, nothing for glibc's own."""
    if name == "glibc":
        return ""
    found = in_wheel() if name == "mimalloc in a wheel" else ctypes.util.find_library(name)
    if not found:
        pytest.skip(f"{name} is not installed (Debian: libjemalloc2, libmimalloc*, libtcmalloc*)")
    return found


def in_wheel() -> str | None:
    """Return the library of the distribution ``cmeel-mimalloc``."""
    try:
        listed = files("cmeel-mimalloc") or ()
    except PackageNotFoundError:
        return None
    return next((str(path.locate()) for path in listed if path.name == "libmimalloc.so"), None)


def play(preload: str, *wanted: str, **environment: str) -> dict[str, Any]:
    """Return what the scenes, or those that are wanted, show in a process of their own."""
    env = {**os.environ, "LD_PRELOAD": preload, **environment}
    times = "100000" if not preload else "3000"
    command = [sys.executable, str(SCENES), times, *wanted]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module", params=ALLOCATORS)
def seen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the scenes show under one allocator."""
    if sys.platform != "linux":
        pytest.skip("allocators are preloaded the way Linux does it")
    return play(library(request.param))


def test_the_allocator_in_use_is_the_one_that_is_read(
    seen: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """The report names it with its version."""
    name = request.node.callspec.params["seen"].partition(" ")[0].partition("_")[0]
    assert seen["allocator"].startswith(f"{name} ")
    assert any(character.isdigit() for character in seen["allocator"])
    assert seen["allocator"] in seen["source"]


@pytest.mark.parametrize(("leak", "size"), LEAKS.items())
def test_a_leak_is_caught_at_its_rate(seen: dict[str, Any], leak: str, size: int) -> None:
    """Each allocator rounds a size up; what is told is what it took."""
    verdict, per_run = seen[leak]
    assert verdict == "leak"
    assert 0.95 * size <= per_run <= 1.6 * size


@pytest.mark.parametrize("twin", TWINS)
def test_its_freed_twin_is_clean(seen: dict[str, Any], twin: str) -> None:
    """What caches and threads keep is not in use, or is the same in every reading.

    While a thread is still ending that was joined, mimalloc 2 cannot tell: that is waited for.
    """
    verdict, per_run = seen[twin]
    assert verdict == "clean"
    assert abs(per_run) < 16


def test_reading_moves_nothing(seen: dict[str, Any]) -> None:
    """100 000 readings on glibc, thousands elsewhere: the figure after is the figure before."""
    assert seen["reading"] == 0


def test_what_living_threads_hold_counts(seen: dict[str, Any]) -> None:
    """Four threads hold 1 MiB each; an allocator that cannot tell says so."""
    if isinstance(seen["held"], str):
        assert seen["allocator"].startswith(("mimalloc 2.", "mimalloc 1.", "mimalloc 3.0"))
        assert "tells a thread its own heap only, and 5 threads run" in seen["held"]
    else:
        assert seen["held"] - seen["let go"] >= 4 << 20


def test_what_ended_threads_left_counts_at_once(seen: dict[str, Any]) -> None:
    """A thread took 10 000 blocks of 64 bytes: no settling is needed to see them."""
    assert seen["left"] >= 640_000


@pytest.mark.parametrize("name", ["mimalloc", "mimalloc in a wheel", "tcmalloc_minimal"])
def test_an_allocator_that_a_library_brought_for_itself_is_not_taken(name: str) -> None:
    """Its functions are visible to all, but `malloc` is still the C library's."""
    code = (
        "import ctypes, sys; ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL);"
        "from pytest_ocrleak.meters import heap; print(heap.source())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, library(name)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("psutil.heap_info (glibc")


@pytest.mark.parametrize("name", ALLOCATORS)
def test_it_is_read_when_every_object_is_on_it(name: str) -> None:
    """With ``PYTHONMALLOC=malloc`` the objects that reading makes are there too, and don't show."""
    seen = play(library(name), "64 B", "64 B freed", PYTHONMALLOC="malloc")
    assert [seen["64 B"][0], seen["64 B freed"][0]] == ["leak", "clean"]


@pytest.fixture
def fresh() -> Iterator[None]:
    """Let the allocator be looked for again, now and after the test."""
    allocators.serving.cache_clear()
    heap.hindrance.cache_clear()
    yield
    allocators.serving.cache_clear()
    heap.hindrance.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_on_musl_the_heap_is_unavailable_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """There psutil has no ``heap_info``, and musl's malloc tells nobody."""
    monkeypatch.delattr(psutil, "heap_info")
    reading = heap.read()
    assert isinstance(reading, Unavailable)
    assert reading.reason.startswith("malloc is that of /")
    assert reading.reason.endswith("psutil.heap_info (glibc, macOS, Windows) reads")
    assert heap.hindrance() == reading.reason
    assert heap.allocator() == "unknown"
    heap.trim()


def allocator(name: str, used: Iterator[int], reason: str = "") -> Allocator:
    """Return an allocator whose figures are given."""
    return Allocator(name, name, lambda: {"used": next(used)}, lambda: None, lambda: reason)


def probed(figure: Callable[[], int]) -> int:
    """Return how a figure moves, as if a block had been taken in between."""
    return -figure() + figure()


def test_the_one_whose_figure_follows_is_chosen() -> None:
    """Neither one that stands still, nor one that moves for reasons of its own."""
    still = allocator("still", iter([7] * 20))
    wild = allocator("wild", iter([0, 10**9] * 20))
    block = allocator("right", iter([100, 100 + allocators.PROBE + 536]))
    chosen = allocators.first_moved((still, wild, block), probed)
    assert chosen is block


def test_where_none_follows_the_reason_names_the_library() -> None:
    """A sanitizer's or somebody's own malloc."""
    assert "/usr/lib/libasan.so" in allocators.unknown((), "/usr/lib/libasan.so").reason
    blind = allocator("some", iter([]), "it was built without statistics")
    assert allocators.unknown((blind,), "/lib").reason == "it was built without statistics"


class Jemalloc:
    """A ``mallctl`` that answers from a table, and fails for what is not in it (ENOENT)."""

    def __init__(self, **values: Any) -> None:
        self.values = {name.replace("__", "."): value for name, value in values.items()}

    def __call__(self, name: bytes, old: Any, *_: object) -> int:
        """Answer one question."""
        if old is None or (value := self.values.get(name.decode())) is None:
            return 0 if old is None else 2
        old._obj.value = value
        return 0


def test_jemalloc_without_statistics_says_so() -> None:
    """Built with ``--disable-stats`` it has no figure."""
    control = Mallctl(Jemalloc(config__stats=False))
    assert control.blind() == "this jemalloc was built without statistics"
    with pytest.raises(OSError, match=r"jemalloc has no stats\.allocated"):
        control.parts()
    assert not allocators.moves(native.jemalloc(control.call), probed)


def test_jemalloc_less_what_threads_keep() -> None:
    """Blocks in the threads' caches were freed; builds without that figure have no such part."""
    known = {
        "config__stats": True,
        "version": b"5.3.0-0-g54eaed1d",
        "stats__allocated": 1000,
        "stats__arenas__4096__tcache_bytes": 300,
        "stats__arenas__4096__tcache_stashed_bytes": 50,
    }
    found = native.jemalloc(Jemalloc(**known))
    assert (found.name, found.used(), found.blind()) == ("jemalloc 5.3.0", 650, "")
    assert native.jemalloc(Jemalloc(stats__allocated=1000)).used() == 1000


@pytest.mark.parametrize(("number", "version"), [(209, "2.0.9"), (224, "2.2.4"), (30403, "3.4.3")])
def test_mimalloc_versions(number: int, version: str) -> None:
    """Three digits until two were needed for each."""
    assert native.mimalloc_version(number) == version


def test_tcmalloc_that_does_not_tell_is_not_taken() -> None:
    """Its function returns 0 for a property that it does not know."""
    process: Any = SimpleNamespace(
        MallocExtension_GetNumericProperty=lambda *_: 0,
        MallocExtension_ReleaseFreeMemory=lambda: None,
    )
    assert not allocators.moves(native.tcmalloc(process), probed)
