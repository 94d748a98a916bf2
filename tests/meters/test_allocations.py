"""Which allocations grow, by a real memray in this process; each planted leak beside its twin."""

import ctypes
import json
import mmap
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pluggy
import pytest

import pytest_ocrleak
from pytest_ocrleak.causes import allocations, frames
from pytest_ocrleak.causes.allocations import (
    Allocations,
    Stack,
    UntraceableError,
    grown,
    told,
    unseen,
)
from pytest_ocrleak.causes.tracefile import Held, tally
from pytest_ocrleak.meters import events, tempfiles

if sys.platform == "win32":
    pytest.skip("memray does not run on Windows", allow_module_level=True)

HERE = Path(__file__)
NAME = "tests/meters/test_allocations.py"
SIZE = 10_000
NATIVE = """
#include <stdlib.h>
static void *last;
void *keep(void) { return last = malloc(10000); }
void let_go(void) { free(keep()); }
"""
marker = pluggy.HookspecMarker("planted")
implementation = pluggy.HookimplMarker("planted")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the repository be the folder from which places are told, and be somewhere else by now."""
    monkeypatch.setattr(events, "base", lambda: f"{HERE.parents[2]}/")
    monkeypatch.chdir(tmp_path)


def place(function: Callable[..., object], line: int = 1) -> str:
    """Return the place of a line in a function of this module, as a stack tells it."""
    code = function.__code__  # type: ignore[attr-defined]
    return f"{NAME}:{code.co_firstlineno + line} in {code.co_name}"


@pytest.fixture
def kept() -> list[object]:
    """Give a list that things are kept in."""
    return []


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Build a library that allocates, with lines to be told."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build a library with")
    folder = tmp_path_factory.mktemp("library")
    (folder / "planted.c").write_text(NATIVE, "utf8")
    command = [compiler, "-g", "-O0", "-shared", "-fPIC", "-o", "libplanted.so", "planted.c"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "libplanted.so"))


def test_a_block_that_is_kept_is_told_by_its_stack_and_no_other(kept: list[object]) -> None:
    """The line that allocates and the one that calls it: no frame of pytest, memray or ours."""

    def make() -> None:
        kept.append(bytes(SIZE))

    def run() -> None:
        make()

    found = grown(run, runs=20)
    largest = found.stacks[0]
    assert largest.frames == (place(make), place(run))
    assert (largest.bytes, largest.blocks) == (pytest.approx(SIZE, abs=100), pytest.approx(1))
    assert found.per_run == pytest.approx(SIZE, rel=0.02)
    assert found.runs == 60


def test_its_twin_that_lets_go_is_not_told() -> None:
    """A block that is freed, and one in a cycle that only gc finds."""

    def run() -> None:
        cycle: list[object] = [bytes(SIZE)]
        cycle.append(cycle)

    assert grown(run, runs=20).stacks == ()


def test_an_array_is_told_by_numpys_functions_and_by_the_line(kept: list[object]) -> None:
    """Native frames come first, then Python's; the twin beside it is dropped."""

    def run() -> None:
        kept.append(np.ones(SIZE // 8))
        np.ones(SIZE // 8)

    found = grown(run, runs=20)
    largest = found.stacks[0]
    assert largest.bytes == pytest.approx(SIZE)
    assert largest.frames[-1] == place(run)
    assert any(frame.endswith("(native)") for frame in largest.frames[:-2])
    assert largest.frames[-2].endswith(" in ones")
    beside = [stack.bytes for stack in found.stacks if stack.places[0] != place(run)]
    assert sum(beside) < 100  # numpy hands the dropped one's shape on to the next that is kept


def test_native_code_is_told_by_function_and_line(library: ctypes.CDLL) -> None:
    """What allocates stands first, with its source, though ctypes called it; its twin frees."""

    def run() -> None:
        library.keep()
        library.let_go()

    (only,) = grown(run, runs=20).stacks
    assert only.frames[0] == "keep planted.c:4"
    assert only.frames[-1] == place(run)
    assert only.bytes == SIZE


SESSIONS = """
import json
from importlib.resources import files
import onnxruntime
from pytest_ocrleak.causes.allocations import grown

MODEL = str(files("ocrleak_engine") / "models" / "ppocrv6_tiny_rec.onnx")
kept, options = [], onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

def run():
    kept.append(onnxruntime.InferenceSession(MODEL, options, ["CPUExecutionProvider"]))
    onnxruntime.InferenceSession(MODEL, options, ["CPUExecutionProvider"])

print(json.dumps([(one.bytes, one.frames, one.places) for one in grown(run, runs=1).stacks]))
"""


def test_sessions_of_onnxruntime_that_are_kept_are_told(tmp_path: Path) -> None:
    """Megabytes a run, all under the line that makes the one that is kept.

    In a process of its own: memray reads the names of all libraries that are loaded.
    """
    (tmp_path / "sessions.py").write_text(SESSIONS, "utf8")
    command = [sys.executable, "sessions.py"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    stacks_of_it = json.loads(done.stdout)
    mine = "sessions.py:12 in run"
    _, largest, places = stacks_of_it[0]
    assert 3e6 < sum(size for size, _, where in stacks_of_it if where[0] == mine) < 9e6
    assert sum(size for size, _, where in stacks_of_it if where[0] != mine) < 1e5
    assert largest.count(frames.NAMELESS) == 1  # of many in a row
    assert largest[-1] == places[0] == mine


def test_each_meter_is_told_what_it_grows_by(kept: list[object]) -> None:
    """Small objects lie in arenas and not on the heap, and what is mapped is none of its blocks."""

    def run() -> None:
        kept.append([object() for _ in range(40)])
        kept.append(bytes(SIZE))
        kept.append(mmap.mmap(-1, 16384))
        mmap.mmap(-1, 16384).close()

    found = {name: grown(run, runs=20, meter=name) for name in ("heap", "maps", "pyblocks", "rss")}
    bytes_of = {name: each.per_run for name, each in found.items()}
    assert bytes_of["heap"] == pytest.approx(SIZE, rel=0.03)
    assert [(one.bytes, one.blocks) for one in found["maps"].stacks] == [(16384, 1)]
    assert found["maps"].stacks[0].frames[-1] == place(run, 3)
    assert sum(stack.blocks for stack in found["pyblocks"].stacks) == pytest.approx(43, abs=1)
    assert bytes_of["pyblocks"] < 2000
    assert bytes_of["rss"] == pytest.approx(SIZE + 16384 + bytes_of["pyblocks"], rel=0.03)


def test_what_happens_once_or_is_replaced_is_not_told() -> None:
    """Caches that fill at some run, and rings that are full: they grow with no run."""
    cache: dict[int, bytes] = {}
    late: list[bytes] = []
    rings: list[deque[bytes]] = [deque(maxlen=1), deque(maxlen=9), deque(maxlen=25)]
    runs = iter(range(1000))

    def run() -> None:
        now = next(runs)
        if now in {5, 30}:
            cache[now] = bytes(SIZE)
        if now in {40, 50}:
            late.append(bytes(SIZE))
        for ring in rings:
            ring.append(bytes(SIZE))

    assert grown(run, runs=20).per_run < 100


def test_what_comes_with_some_runs_is_told_at_its_rate(kept: list[object]) -> None:
    """One block at each fifth run."""
    runs = iter(range(1000))

    def run() -> None:
        if next(runs) % 5 == 0:
            kept.append(bytes(SIZE))

    largest = grown(run, runs=20).stacks[0]
    assert (largest.bytes, largest.blocks) == (pytest.approx(2000, rel=0.01), pytest.approx(0.2))


def test_a_buffer_that_grows_is_told() -> None:
    """It is one block all the time, which realloc moves; the twin begins anew."""
    buffer = bytearray()

    def run() -> None:
        buffer.extend(bytes(4096))
        bytearray().extend(bytes(4096))

    found = grown(run)
    (only,) = found.stacks
    assert only.frames == (place(run),)
    assert only.bytes == pytest.approx(4096, rel=0.3)
    assert "a block that grows" in next(told(found))


def test_what_pytests_libraries_do_in_between_is_left_out(kept: list[object]) -> None:
    """A hook is called through pluggy, and the frames are those of its two sides."""

    class Hooks:
        @marker
        def planted(self) -> None:
            """Keep a block."""

    class Plugin:
        @implementation
        def planted(self) -> None:
            kept.append(bytes(SIZE))

    manager = pluggy.PluginManager("planted")
    manager.add_hookspecs(Hooks)
    manager.register(Plugin())

    def run() -> None:
        manager.hook.planted()

    stack = grown(run, runs=20).stacks[0]
    assert stack.frames == (place(Plugin.planted, 2), place(run))


def libc() -> ctypes.CDLL:
    """Return the C library with its calls typed."""
    library = ctypes.CDLL(None)
    library.malloc.restype = library.strdup.restype = ctypes.c_void_p
    library.free.argtypes = (ctypes.c_void_p,)
    return library


def test_what_memray_cannot_see_is_said() -> None:
    """A malloc that ctypes calls by its address; what the C library calls itself is seen."""
    clib, text = libc(), b"x" * (SIZE - 1)
    taken: list[int] = []

    def run() -> None:
        taken.append(clib.malloc(3 * SIZE))
        taken.append(clib.strdup(text))

    found = grown(run, runs=20)
    for address in taken:
        clib.free(address)
    assert found.per_run == pytest.approx(SIZE, rel=0.02)
    assert found.stacks[0].frames[-1] == place(run, 2)
    assert "of the 40.0 KB per run, not the other 30.0 KB" in unseen(found, 4 * SIZE)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (1000, ""),
        (1999, ""),
        (501, ""),
        (4000, "memray sees 1.0 KB of the 4.0 KB per run, not the other 3.0 KB: what calls"),
        (400, "memray sees 1.0 KB per run where 400 B were measured: some of it takes the place"),
        (-5, "memray sees 1.0 KB per run where 0 B were measured"),
    ],
)
def test_a_sum_is_set_against_what_was_measured(measured: float, expected: str) -> None:
    """Within a factor of two nothing is to be said."""
    found = Allocations((Stack((), 600, 1), Stack((), 400, 1)), 60)
    said = unseen(found, measured)
    assert said.startswith(expected)
    assert bool(said) == bool(expected)


def test_nothing_seen_and_nothing_measured_is_no_news() -> None:
    """The one is as much as the other."""
    assert unseen(Allocations((), 60), 0) == ""


def test_an_error_of_the_code_passes_and_leaves_nothing(
    kept: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracker is off again, and its file is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    planted = KeyError("planted")
    seen: list[Path] = []

    def run() -> None:
        kept.append(1)
        seen.extend(tmp_path.iterdir())
        if len(kept) == 5:
            raise planted

    with pytest.raises(KeyError) as caught:
        grown(run, runs=20)
    assert caught.value is planted
    assert seen
    assert not list(tmp_path.iterdir())
    assert grown(lambda: kept.append(bytes(SIZE)), runs=20).stacks
    assert not list(tmp_path.iterdir())


def test_tracing_itself_leaves_nothing_behind(kept: list[object]) -> None:
    """No descriptor, mapping, thread or child, no temp file even meanwhile, and no memory.

    After a first time, that is: see the next test.
    """

    def trace() -> None:
        del kept[:]
        grown(lambda: kept.append(bytes(SIZE)), runs=3)

    trace()
    with pytest_ocrleak.guard(tolerance={"heap": "40 KB"}):
        noted = tempfiles.made()
        trace()
        assert tempfiles.made() == noted


PREPARED = """
import pytest_ocrleak
from pytest_ocrleak.causes.allocations import grown, prepare

kept = []
prepare()
import numpy
with pytest_ocrleak.guard():
    print(round(grown(lambda: kept.append(numpy.ones(1250)), 20).per_run, -3))
"""


def test_once_prepared_it_takes_nothing_that_a_guard_would_blame_on_the_code() -> None:
    """Neither memray's pipe nor what it maps to find names, though libraries were loaded since."""
    command = [sys.executable, "-c", PREPARED]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "10000.0\n"), done.stderr


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A file that was cut off, as on a disk that is full."""
    (tmp_path / "cut").write_bytes(b"memray")
    with pytest.raises(UntraceableError, match=r"what memray wrote cannot be read: .*Error: "):
        allocations.parts("heap", tmp_path / "cut")


def test_one_tracker_at_a_time(tmp_path: Path) -> None:
    """With ``pytest --memray`` the session has one, or the code itself."""
    import memray  # noqa: PLC0415 - as the code under test imports it

    with (
        memray.Tracker(tmp_path / "other"),
        pytest.raises(UntraceableError, match="traces this process already"),
    ):
        grown(int, runs=5)
    serial = iter(range(1000))

    def run() -> None:
        try:
            with memray.Tracker(tmp_path / f"own{next(serial)}"):
                pass
        except RuntimeError as error:
            raise AssertionError("as a test passes it on") from error

    with pytest.raises(UntraceableError, match="pytest --memray"):
        grown(run, runs=5)
    assert grown(int, runs=5).stacks == ()


def test_where_memray_is_not_installed_it_is_said_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an extra; where there is none, that is said."""
    monkeypatch.setitem(sys.modules, "memray", None)
    with pytest.raises(UntraceableError, match=r"pip install 'pytest-ocrleak\[trace\]'"):
        grown(int)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UntraceableError, match="does not run on Windows"):
        grown(int)


def test_memray_is_imported_where_it_is_needed() -> None:
    """Whoever traces nothing pays nothing for it."""
    code = "import sys, pytest_ocrleak.causes.allocations; print('memray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_code_that_does_not_run_is_refused() -> None:
    """A coroutine is made and never awaited: nothing would be traced."""

    async def run() -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match="coroutine"):
        grown(run)


def test_slow_code_makes_few_runs() -> None:
    """The clock decides, and a rate needs two of them."""
    seconds = iter(range(1000))
    found = grown(int, clock=lambda: float(next(seconds)))
    assert found.runs == 6


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (("a.py:1 in f", "b.py:2 in g"), ("a.py:1 in f", "b.py:2 in g")),
        (
            ("malloc x.c:1", "/lib/numpy.py:3 in ones", "a.py:1 in f", "/lib/run.py:1 in go"),
            ("a.py:1 in f", "inside /lib/numpy.py:3 in ones", "inside malloc x.c:1"),
        ),
        (("load (native)", "a.py:1 in f"), ("a.py:1 in f", "inside load (native)")),
        (("work pool.c:1", "start (native)"), ("inside start (native)", "inside work pool.c:1")),
        ((), ()),
    ],
)
def test_a_stack_in_the_lines_of_a_leak(stack: frames.Frames, expected: tuple[str, ...]) -> None:
    """The user's frames, then what they called and what allocated in the end."""
    assert frames.places(stack) == expected


FRAMES: list[tuple[frames.Frame, bool, str]] = [
    (("load", "/else/where.py", 3), True, "/else/where.py:3 in load"),
    (("load", f"{HERE.parents[2]}/tests/x.py", 3), True, "tests/x.py:3 in load"),
    (
        ("load", f"{HERE.parents[2]}/.venv/lib/site-packages/x.py", 3),
        True,
        f"{HERE.parents[2]}/.venv/lib/site-packages/x.py:3 in load",
    ),
    (("call", str(pytest.__file__), 3), True, ""),
    (("guard", str(allocations.__file__), 3), True, ""),
    (("load", "/src/model.c", 3), False, "load model.c:3"),
    (("load", "<unknown>", 0), False, "load (native)"),
    (("<unknown>", "<unknown>", 0), False, frames.NAMELESS),
    (("x" * 500, "<unknown>", 0), False, f"{'x' * frames.LONGEST}… (native)"),
    (("PyObject_Vectorcall", "<unknown>", 0), False, ""),
    (("PyArray_NewFromDescr", "<unknown>", 0), False, "PyArray_NewFromDescr (native)"),
    (("cfunction_vectorcall_NOARGS", "<unknown>", 0), False, ""),
    (("list_resize", "Objects/listobject.c", 81), False, ""),
    (("_PyObject_VectorcallTstate", "./Include/internal/pycore_call.h", 92), False, ""),
    (("new_mmap_object", "/b/Python-3.11.7/Modules/mmapmodule.c", 9), False,
     "new_mmap_object mmapmodule.c:9"),
    (("_ctypes_callproc", "/b/Python-3.11.7/Modules/_ctypes/callproc.c", 9), False, ""),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "python", "expected"), FRAMES)
def test_a_frame_in_words(frame: frames.Frame, python: bool, expected: str) -> None:  # noqa: FBT001
    """Names as memray has them, with and without what a library tells of its source."""
    assert frames.line(frame, python=python) == expected


def test_frames_that_are_alike_in_a_row_are_one() -> None:
    """A recursion, and a library without symbols; of the interpreter's there is none."""
    unknown, call = ("<unknown>", "<unknown>", 0), ("type_call", "Objects/typeobject.c", 9)
    walk, go = ("walk", "/a.py", 3), ("go", "/a.py", 7)
    record = SimpleNamespace(
        hybrid_stack_trace=lambda: [unknown, unknown, call, walk, call, walk, go],
        stack_trace=lambda: [walk, walk, go],
    )
    assert frames.told(record) == (frames.NAMELESS, "/a.py:3 in walk", "/a.py:7 in go")


def test_what_has_the_same_frames_is_added_up() -> None:
    """And what has none is not the code's."""
    found = [(("f",), Held(10, 1, 0)), ((), Held(99, 9, 9)), (("f",), Held(5, 2, 1))]
    assert tally(found) == {("f",): Held(15, 3, 1)}


def test_the_largest_stacks_are_told_and_the_rest_summed() -> None:
    """Three stacks with their innermost frames."""
    stacks = tuple(Stack((f"f{n} (native)",) * 20, 4000.0 - n, 2) for n in range(5))
    lines = list(told(Allocations(stacks, 60)))
    assert lines[0] == "4.0 KB per run in 2 blocks, allocated by"
    assert lines[1 : 1 + allocations.DEEP] == ["    f0 (native)"] * allocations.DEEP
    assert lines[-1] == "and 8.0 KB per run by 2 more"
