"""Real leaks of every kind, each beside the same code with the leak mended."""

import ctypes
import json
import mmap
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import pytest_ocrleak
from pytest_ocrleak import LeakError

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.mmap.restype = ctypes.c_void_p
libc.free.argtypes = (ctypes.c_void_p,)
Plant = Callable[[ExitStack, Path], object]


def a_file(undo: ExitStack, folder: Path) -> None:
    """Open a file."""
    undo.enter_context((folder / "data.bin").open("wb"))


def a_duplicate(undo: ExitStack, _: Path) -> None:
    """Duplicate a descriptor, which raises no audit event."""
    undo.callback(os.close, os.dup(0))


def a_socket_pair(undo: ExitStack, _: Path) -> None:
    """Open two connected sockets."""
    for end in socket.socketpair():
        undo.enter_context(end)


def a_pipe(undo: ExitStack, _: Path) -> None:
    """Open both ends of a pipe."""
    for end in os.pipe():
        undo.callback(os.close, end)


def an_event_descriptor(undo: ExitStack, _: Path) -> None:
    """Open a descriptor that has no file at all."""
    undo.callback(os.close, os.eventfd(0))


def a_deleted_file(undo: ExitStack, folder: Path) -> None:
    """Keep a file open that has no name any more."""
    path = folder / "gone.bin"
    undo.enter_context(path.open("wb"))
    path.unlink()


def a_mapping(undo: ExitStack, folder: Path) -> None:
    """Map a file."""
    path = folder / "model.onnx"
    path.write_bytes(bytes(8192))
    with path.open("rb") as file:
        undo.enter_context(mmap.mmap(file.fileno(), 8192, access=mmap.ACCESS_READ))


def shared_memory(undo: ExitStack, _: Path) -> None:
    """Map memory that has no file."""
    undo.enter_context(mmap.mmap(-1, 8192))


def a_thread(undo: ExitStack, _: Path) -> None:
    """Start a thread that waits."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="planted", daemon=True)
    thread.start()
    undo.callback(thread.join)
    undo.callback(over.set)


def a_child(undo: ExitStack, _: Path) -> None:
    """Start a child that waits."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    undo.callback(child.communicate)


def a_zombie(undo: ExitStack, _: Path) -> None:
    """Leave a child that has ended and that nobody waited for."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    undo.callback(os.waitpid, pid, 0)


def a_grandchild(undo: ExitStack, _: Path) -> None:
    """Start a child that starts another."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    undo.callback(child.communicate)


def an_orphan(undo: ExitStack, _: Path) -> None:
    """Leave a grandchild to init: its parent ends at once."""
    code = (
        "import subprocess as s, sys;"
        "print(s.Popen([sys.executable, '-c', 'input()'], stdout=s.DEVNULL).pid)"
    )
    reading, writing = os.pipe()
    undo.callback(os.close, writing)
    child = subprocess.run(
        [sys.executable, "-c", code], stdin=reading, stdout=subprocess.PIPE, check=True
    )
    os.close(reading)
    undo.callback(_wait_for_end, int(child.stdout))
    undo.callback(os.kill, int(child.stdout), signal.SIGKILL)


def _wait_for_end(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    with suppress(OSError):
        ended = os.pidfd_open(pid)
        select.select([ended], [], [])
        os.close(ended)


def a_connection(undo: ExitStack, _: Path) -> None:
    """Open a connection and close its other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        undo.enter_context(socket.create_connection(server.getsockname()))
        server.accept()[0].close()


def a_memory_file(undo: ExitStack, _: Path) -> None:
    """Open a file that is only memory."""
    undo.callback(os.close, os.memfd_create("planted"))


def an_inotify(undo: ExitStack, _: Path) -> None:
    """Open a watch on files."""
    undo.callback(os.close, libc.inotify_init())


def a_poll(undo: ExitStack, _: Path) -> None:
    """Open an epoll object."""
    undo.enter_context(select.epoll())


def a_temp_file(undo: ExitStack, _: Path) -> None:
    """Make a temporary file that is not deleted when it is closed."""
    with tempfile.NamedTemporaryFile(prefix="planted", delete=False) as file:
        undo.callback(os.unlink, file.name)


def a_temp_folder(undo: ExitStack, _: Path) -> None:
    """Make a temporary folder with a file in it."""
    folder = Path(tempfile.mkdtemp(prefix="planted"))
    (folder / "inside.txt").touch()
    undo.callback(shutil.rmtree, folder)


def plain_memory(undo: ExitStack, _: Path) -> None:
    """Map memory directly, with neither descriptor nor file."""
    size = ctypes.c_size_t(16384)
    address = libc.mmap(None, size, mmap.PROT_READ, 0x22, -1, ctypes.c_long(0))
    undo.callback(libc.munmap, ctypes.c_void_p(address), size)


PLANTS = [
    (an_orphan, "processes", "input()"),
    (a_connection, "fds", "inet stream socket 127.0.0.1:"),
    (a_memory_file, "fds", "memfd:planted"),
    (an_inotify, "fds", "inotify"),
    (a_poll, "fds", "eventpoll"),
    (a_temp_file, "tempfiles", "planted"),
    (a_temp_folder, "tempfiles", "planted"),
    (a_file, "fds", "data.bin"),
    (a_duplicate, "fds", ""),
    (a_socket_pair, "fds", "socket:"),
    (a_pipe, "fds", "pipe:"),
    (an_event_descriptor, "fds", "eventfd"),
    (a_deleted_file, "fds", "gone.bin (deleted)"),
    (a_mapping, "maps", "model.onnx"),
    (shared_memory, "maps", "/dev/zero (deleted)"),
    (a_thread, "threads", "planted"),
    (a_child, "processes", "input()"),
    (a_zombie, "processes", "zombie"),
    (a_grandchild, "processes", "input()"),
]
named = pytest.mark.parametrize(
    ("plant", "meter", "what"), PLANTS, ids=[plant.__name__ for plant, _, _ in PLANTS]
)


@contextmanager
def planted(plant: Plant, folder: Path, meter: str) -> Iterator[LeakError]:
    """Raise what a guard says of a plant, then undo it."""
    with ExitStack() as undo:
        with pytest.raises(LeakError) as caught, pytest_ocrleak.guard(track=meter):
            plant(undo, folder)
        yield caught.value


@named
def test_a_planted_leak_is_named(plant: Plant, meter: str, what: str, tmp_path: Path) -> None:
    """The guard fails, and the leak's meter and name say what stayed."""
    with planted(plant, tmp_path, meter) as error:
        assert {leak.meter for leak in error.leaks} == {meter}
        assert any(what in leak.what for leak in error.leaks)
        assert what in str(error)


@named
def test_its_mended_twin_is_clean(plant: Plant, meter: str, what: str, tmp_path: Path) -> None:
    """The same code that gives back what it took passes."""
    del what
    with pytest_ocrleak.guard(track=meter), ExitStack() as undo:
        plant(undo, tmp_path)


def test_a_thread_that_is_still_ending_is_no_leak() -> None:
    """Settling waits for what closes by itself within its patience."""
    gate = threading.Event()
    with pytest_ocrleak.guard(track="threads"):
        threading.Thread(target=lambda: gate.wait(0.2)).start()


def test_a_cycle_with_a_file_is_no_leak(tmp_path: Path) -> None:
    """Garbage that only gc finds is collected before anything is judged."""
    with pytest_ocrleak.guard(track="fds"):
        cycle: dict[str, Any] = {"fd": _Closing(os.open(tmp_path, os.O_RDONLY))}
        cycle["self"] = cycle
        del cycle


class _Closing:
    """A descriptor that is closed with its owner."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


def test_an_error_inside_a_guard_passes_unchanged(tmp_path: Path) -> None:
    """The user's error is the news; its traceback keeps things alive that are no leak."""
    with ExitStack() as undo, pytest.raises(KeyError), pytest_ocrleak.guard():  # noqa: PT012
        a_file(undo, tmp_path)
        raise KeyError


def test_native_memory_that_is_never_freed_is_caught() -> None:
    """64 bytes a run from malloc, which neither gc nor tracemalloc sees."""
    with pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(libc.malloc, 64)
    (leak,) = caught.value.leaks
    assert leak.meter == "heap"
    assert leak.per_run == pytest.approx(80, abs=16)  # glibc adds its header


def test_native_memory_that_is_freed_is_clean() -> None:
    """The twin, with the resolution of a check of thousands of runs."""
    growth = pytest_ocrleak.assert_no_growth(lambda: libc.free(libc.malloc(64)))
    assert growth["heap"].verdict == "clean"
    assert growth["heap"].resolution < 64


def test_nothing_at_all_is_clean_to_the_byte() -> None:
    """Calibration: measuring must not see itself."""
    growth = pytest_ocrleak.assert_no_growth(int, runs=100_000)
    assert growth["heap"].verdict == growth["rss"].verdict == "clean"
    assert growth["heap"].resolution < 1


def test_growth_of_things_is_one_leak_with_its_rate(tmp_path: Path) -> None:
    """One descriptor a run is said as one descriptor a run."""
    with ExitStack() as undo, pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(a_file, undo, tmp_path)
    (leak,) = caught.value.leaks
    assert (leak.meter, leak.per_run, leak.what) == ("fds", 1, str(tmp_path / "data.bin"))


@pytest.mark.parametrize("runs", [1, 3, 40])
def test_a_number_of_runs_is_kept_to(runs: int, tmp_path: Path) -> None:
    """The warm-up and the runs asked for are all that is run, and things leak from the first."""
    with ExitStack() as undo, pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(a_file, undo, tmp_path, runs=runs, warmup=0)
    assert caught.value.check.runs == caught.value.leaks[0].count == runs


def test_a_cache_that_fills_once_is_a_residue() -> None:
    """What the first runs keep for good is told apart from growth."""
    cache: dict[int, bytearray] = {}
    growth = pytest_ocrleak.assert_no_growth(lambda: cache.setdefault(0, bytearray(40_000_000)))
    assert growth["heap"].verdict == "clean"
    assert growth["heap"].one_time == pytest.approx(40_000_000, rel=0.1)


def test_a_tolerance_accepts_known_growth() -> None:
    """Growth below the tolerance passes, and is still told."""
    kept: list[bytearray] = []
    growth = pytest_ocrleak.assert_no_growth(
        lambda: kept.append(bytearray(1000)), runs=200, tolerance={"heap": "8 KiB"}, track="heap"
    )
    assert growth["heap"].verdict == "clean"
    assert growth["heap"].per_run > 500


def test_a_guard_judges_bytes_against_a_tolerance_only() -> None:
    """One pass reports bytes; with a tolerance it fails on more."""
    kept = []
    with pytest_ocrleak.guard():
        kept.append(bytearray(5_000_000))
    with (
        pytest.raises(LeakError, match="grew by"),
        pytest_ocrleak.guard(tolerance={"heap": "1 MB"}),
    ):
        kept.append(bytearray(5_000_000))


def test_compare_tells_what_came_between_two_snapshots(tmp_path: Path) -> None:
    """The plain pair of calls names the thing too."""
    with ExitStack() as undo:
        before = pytest_ocrleak.snapshot()
        a_file(undo, tmp_path)
        found = pytest_ocrleak.compare(before, pytest_ocrleak.snapshot())
    assert [(leak.meter, leak.what) for leak in found] == [("fds", str(tmp_path / "data.bin"))]
    assert pytest_ocrleak.compare(before, before) == []


def test_memory_mapped_without_a_file_is_caught() -> None:
    """16 KB a run that no heap counter and no descriptor shows, merged into one area."""
    with ExitStack() as undo, pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(plain_memory, undo, Path(), track="maps,heap,fds")
    (leak,) = caught.value.leaks
    assert (leak.meter, leak.what) == ("maps", "memory mapped without a file")
    assert caught.value.check.meters["maps"].per_run == 16384


def test_the_same_file_mapped_again_and_again_is_caught(tmp_path: Path) -> None:
    """One name, one more mapping a run."""
    with ExitStack() as undo, pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(a_mapping, undo, tmp_path, track="maps")
    assert caught.value.leaks[0].what == str(tmp_path / "model.onnx")


def test_another_processs_temp_file_is_not_ours() -> None:
    """The same user, the same folder, the same moment, another process."""
    code = "import tempfile; print(tempfile.mkstemp()[1], end='')"
    with pytest_ocrleak.guard(track="tempfiles"):
        made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    Path(os.fsdecode(made.stdout)).unlink()


def test_a_folder_with_files_in_it_is_one_leak() -> None:
    """The outermost of what is nested is named."""
    with planted(a_temp_folder, Path(), "tempfiles") as error:
        assert len(error.leaks) == 1
        assert "inside" not in error.leaks[0].what


def test_what_others_open_and_close_meanwhile_is_not_blamed() -> None:
    """Short threads, files and children of another thread, while a guard opens and closes."""
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            with Path(__file__).open("rb") as file:
                threading.Thread(target=file.read).start()
            subprocess.run(["true"], check=True)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(10):
            with pytest_ocrleak.guard(track="fds,threads,processes,maps,tempfiles"):
                pass
    finally:
        over.set()
        thread.join()


def test_what_goes_two_runs_later_is_no_leak() -> None:
    """A file that the next run but one closes lingers after each run, and never more of them."""
    last: deque[object] = deque(maxlen=2)

    def work() -> None:
        last.append(Path(os.devnull).open("rb"))  # noqa: SIM115 - the deque drops it

    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        growth = pytest_ocrleak.assert_no_growth(work, runs=200, track="fds")
        last.clear()
    assert growth["fds"].verdict == "clean"
    assert growth["fds"].one_time <= 2


def test_temp_files_that_go_leave_nothing_behind_in_the_watch() -> None:
    """The paths of a batch are forgotten with their files, or they would read as growth."""

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder):
            pass

    growth = pytest_ocrleak.assert_no_growth(work, track="heap,pyblocks,tempfiles")
    assert [each.verdict for each in growth.values()] == ["clean"] * 3
    assert growth["pyblocks"].per_run < 0.1


def test_temp_files_in_an_old_folder_are_told_one_by_one() -> None:
    """Tempfile opens through the folder, which is not new for that; what is left in it is."""
    with tempfile.TemporaryDirectory() as folder:
        with (
            pytest.raises(LeakError) as caught,
            pytest_ocrleak.guard(track="tempfiles"),
            tempfile.NamedTemporaryFile(dir=folder, prefix="left", delete=False) as file,
        ):
            pass
        assert [leak.what for leak in caught.value.leaks] == [file.name]


def test_files_that_pile_up_in_a_new_folder_are_counted() -> None:
    """The folder is made once and named; what grows is what is in it."""
    with tempfile.TemporaryDirectory() as outer:
        inner = Path(outer) / "inner"

        def work() -> None:
            inner.mkdir(exist_ok=True)
            os.close(tempfile.mkstemp(dir=inner)[0])

        with pytest.raises(LeakError, match="inner") as caught:
            pytest_ocrleak.assert_no_growth(work, runs=20, track="tempfiles")
        assert caught.value.check.meters["tempfiles"].per_run == pytest.approx(1)


READING = """
import json, pytest_ocrleak
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import read
growth = pytest_ocrleak.assert_no_growth(read, Limits().meters, runs=2000, time_limit=60)
print(json.dumps({name: each.series for name, each in growth.items()}))
"""


def test_two_thousand_readings_move_no_meter() -> None:
    """Measuring takes nothing that it measures: less than a byte a reading.

    In a process of its own: in a worker of xdist other threads take and free blocks meanwhile.
    """
    done = subprocess.run([sys.executable, "-c", READING], check=True, capture_output=True)
    second = {name: sum(steps[12:]) for name, steps in json.loads(done.stdout).items()}
    accepted = {"heap": 1000, "pyblocks": 20, "rss": 1_000_000}
    assert not {name: change for name, change in second.items() if change > accepted.get(name, 0)}
