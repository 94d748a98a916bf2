"""Who opened it: for each kind of thing the line that is told is the one where it was planted."""

import _thread
import ctypes
import mmap
import multiprocessing
import os
import select
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

import pytest_ocrleak
from pytest_ocrleak import Leak, LeakError
from pytest_ocrleak.causes import keepers
from pytest_ocrleak.meters import pulse

Plant = Callable[[ExitStack, Path], object]
HERE = "  # planted"
LINES = Path(__file__).read_text("utf8").splitlines()


def opened(undo: ExitStack, folder: Path) -> None:
    """Open a file."""
    undo.enter_context(open(folder / "data", "wb"))  # planted  # noqa: PTH123


def opened_by_path(undo: ExitStack, folder: Path) -> None:
    """Open a file by its path."""
    undo.enter_context((folder / "data").open("wb"))  # planted


def opened_bare(undo: ExitStack, folder: Path) -> None:
    """Open a descriptor, after another of the same file that is closed again."""
    path = folder / "data"
    path.touch()
    os.close(os.open(path, os.O_RDONLY))
    number = os.open(path, os.O_RDONLY)  # planted
    undo.callback(os.close, number)


def opened_where_the_folder_changes(undo: ExitStack, folder: Path) -> None:
    """Open a file by a relative path, and go elsewhere."""
    undo.callback(os.chdir, os.getcwd())  # noqa: PTH109
    os.chdir(folder)
    undo.enter_context(Path("data").open("wb"))  # planted
    os.chdir("/")


def opened_by_a_link(undo: ExitStack, folder: Path) -> None:
    """Open a file that a link leads to, and remove both."""
    (folder / "link").symlink_to(folder / "data")
    (folder / "data").touch()
    undo.enter_context((folder / "link").open("rb"))  # planted


def opened_and_renamed(undo: ExitStack, folder: Path) -> None:
    """Open a file that has another name by now."""
    undo.enter_context((folder / "data").open("wb"))  # planted
    (folder / "data").rename(folder / "old")


def opened_around_a_number(undo: ExitStack, _: Path) -> None:
    """Make file objects for the descriptors of a pipe."""
    for number in os.pipe():
        undo.enter_context(os.fdopen(number, "rb" if number % 2 else "wb"))  # planted


def scanned(undo: ExitStack, folder: Path) -> None:
    """Leave a folder half read."""
    (folder / "data").touch()
    entries = os.scandir(folder)  # planted
    next(entries)
    undo.callback(entries.close)


def temporary(undo: ExitStack, _: Path) -> None:
    """Open a file that has no name."""
    undo.enter_context(tempfile.TemporaryFile())  # planted


def connected(undo: ExitStack, _: Path) -> None:
    """Open a socket."""
    undo.enter_context(socket.socket())  # planted


def paired(undo: ExitStack, _: Path) -> None:
    """Open two connected sockets."""
    for end in socket.socketpair():  # planted
        undo.enter_context(end)


def accepted(undo: ExitStack, _: Path) -> None:
    """Accept a connection, all but it closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        end, _ = server.accept()  # planted
        client.close()
        undo.enter_context(end)


def mapped(undo: ExitStack, folder: Path) -> None:
    """Map a file, which keeps a descriptor of its own open."""
    path = folder / "data"
    path.write_bytes(bytes(8192))
    with path.open("rb") as file:
        whole = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)  # planted
    undo.enter_context(whole)


def shared(undo: ExitStack, _: Path) -> None:
    """Map shared memory that has a name."""
    undo.callback(resource_tracker._resource_tracker._stop)  # type: ignore[attr-defined]
    memory = SharedMemory(create=True, size=8192)  # planted
    undo.callback(memory.unlink)
    undo.callback(memory.close)


def threaded(undo: ExitStack, _: Path) -> None:
    """Start a thread."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()  # planted
    undo.callback(thread.join)
    undo.callback(end.set)


def pooled(undo: ExitStack, _: Path) -> None:
    """Start a thread of a pool."""
    pool = ThreadPoolExecutor()
    pool.submit(int).result()  # planted
    undo.callback(pool.shutdown)


def spawned(undo: ExitStack, _: Path) -> None:
    """Start a child, with a pipe to it."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)  # planted
    undo.enter_context(child)


def spawned_bare(undo: ExitStack, _: Path) -> None:
    """Start a child without an object for it."""
    pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], os.environ)  # planted
    undo.callback(os.waitpid, pid, 0)
    undo.callback(os.kill, pid, 9)


def forked(undo: ExitStack, _: Path) -> None:
    """Start a child of the same program."""
    end = multiprocessing.get_context("fork").Event()
    child = multiprocessing.get_context("fork").Process(target=end.wait)
    child.start()  # planted
    undo.callback(child.join)
    undo.callback(end.set)


def opened_by_a_database(undo: ExitStack, folder: Path) -> None:
    """Have a library in C open a file."""
    database = sqlite3.connect(folder / "words.db")  # planted
    undo.callback(database.close)


def made(undo: ExitStack, _: Path) -> None:
    """Make a folder in the temp folder."""
    path = tempfile.mkdtemp()  # planted
    undo.callback(os.rmdir, path)


def made_open(undo: ExitStack, _: Path) -> None:
    """Make a file in the temp folder and keep it open."""
    undo.enter_context(tempfile.NamedTemporaryFile())  # planted


EVENTS = (
    opened, opened_by_path, opened_bare, opened_where_the_folder_changes, opened_by_a_link,
    opened_and_renamed, opened_around_a_number, scanned, temporary, connected, paired, accepted,
    mapped, shared, threaded, pooled, spawned, spawned_bare, forked, opened_by_a_database,
    made, made_open,
)  # fmt: skip


def planted(plant: Plant) -> str:
    """Return the place of the line in a function that is marked."""
    first = plant.__code__.co_firstlineno
    line = next(n for n, text in enumerate(LINES, 1) if n > first and HERE in text)
    return f"{Path(__file__).name}:{line} in {plant.__name__}"


@contextmanager
def undone() -> Iterator[ExitStack]:
    """Take back what was planted, the last first."""
    with ExitStack() as undo:
        yield undo


def left_by(plants: Iterable[Plant], folder: Path) -> tuple[Leak, ...]:
    """Return what one pass of functions leaves, as a guard tells it."""
    with undone() as undo, pytest.raises(LeakError) as caught, pytest_ocrleak.guard():
        all_of(plants, undo, folder)
    return caught.value.leaks


def places(leaks: Iterable[Leak]) -> set[str]:
    """Return the innermost places that are told, without folders."""
    return {Path(leak.opened_at[0]).name if leak.opened_at else "" for leak in leaks}


@pytest.fixture(scope="module")
def one_pass(tmp_path_factory: pytest.TempPathFactory) -> tuple[Leak, ...]:
    """Leave something of every kind that Python makes."""
    return left_by(EVENTS, tmp_path_factory.mktemp("once"))


@pytest.mark.parametrize("plant", EVENTS)
def test_one_pass_tells_the_line(plant: Plant, one_pass: tuple[Leak, ...]) -> None:
    """Each thing that Python makes, whatever its kind, comes with the line that made it."""
    assert planted(plant) in places(one_pass)


def test_no_other_line_is_told(one_pass: tuple[Leak, ...]) -> None:
    """Lines that open and close are never told; the pipe of a child and shared memory have none."""
    assert places(one_pass) <= {*map(planted, EVENTS), ""}
    unknown = [leak for leak in one_pass if not leak.opened_at]
    assert all(leak.what.startswith(("pipe:", "/dev/shm/")) for leak in unknown), unknown


def test_callers_follow_and_libraries_come_last(tmp_path: Path) -> None:
    """The user's frames from the inside out, then what of a library was inside of them."""

    def outer(undo: ExitStack, folder: Path) -> None:
        temporary(undo, folder)

    (leak,) = left_by([outer], tmp_path)
    assert leak.opened_at[0].endswith(planted(temporary))
    assert leak.opened_at[1].endswith(" in outer")
    assert leak.opened_at[-1] == "inside tempfile.TemporaryFile"


def duplicated(undo: ExitStack, folder: Path) -> None:
    """Duplicate a descriptor, to a number that another of the same file had before."""
    path = folder / "data"
    path.touch()
    file = undo.enter_context(path.open("rb"))
    os.close(os.open(path, os.O_RDONLY))
    undo.callback(os.close, os.dup(file.fileno()))  # planted


def piped(undo: ExitStack, _: Path) -> None:
    """Open both ends of a pipe."""
    for end in os.pipe():  # planted
        undo.callback(os.close, end)


def received(undo: ExitStack, _: Path) -> None:
    """Receive a descriptor over a socket."""
    one, other = socket.socketpair()
    with one, other:
        socket.send_fds(one, [b"."], [0])
        _, numbers, _, _ = socket.recv_fds(other, 1, 1)  # planted
        undo.callback(os.close, *numbers)


def polled(undo: ExitStack, _: Path) -> None:
    """Open a descriptor that has no file, by calling a type."""
    undo.enter_context(select.epoll())  # planted


def opened_by_native_code(undo: ExitStack, _: Path) -> None:
    """Open a file past Python."""
    libc = ctypes.CDLL(None)
    number = libc.open(b"/dev/zero", os.O_RDONLY)  # planted
    undo.callback(os.close, number)


def started_bare(undo: ExitStack, _: Path) -> None:
    """Start a thread that `threading` knows nothing of."""
    lock, done = _thread.allocate_lock(), threading.Event()
    lock.acquire()

    def wait() -> None:
        lock.acquire()
        done.set()

    _thread.start_new_thread(wait, ())  # planted
    undo.callback(done.wait)
    undo.callback(lock.release)


def mapped_by_native_code(undo: ExitStack, _: Path) -> None:
    """Map memory without a file."""
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, 1 << 20, 3, 0x22, -1, 0)  # planted
    undo.callback(libc.munmap, ctypes.c_void_p(address), 1 << 20)


numbers = count()
NO_EVENTS = (
    duplicated, piped, received, polled, opened_by_native_code, started_bare, mapped_by_native_code,
)  # fmt: skip


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Leak, ...]:
    """Leave something of every kind that Python tells nothing of, again and again."""
    folder = tmp_path_factory.mktemp("often")
    with undone() as undo, pytest.raises(LeakError) as caught:
        pytest_ocrleak.assert_no_growth(all_of, NO_EVENTS, undo, folder, runs=6, warmup=1)
    return caught.value.leaks


def all_of(plants: Iterable[Plant], undo: ExitStack, folder: Path) -> None:
    """Plant one after another."""
    for plant in plants:
        (folder / plant.__name__).mkdir(exist_ok=True)
        plant(undo, folder / plant.__name__)


@pytest.mark.parametrize("plant", NO_EVENTS)
def test_repeating_tells_the_line_that_no_event_does(
    plant: Plant, repeated: tuple[Leak, ...]
) -> None:
    """One more run, line by line, shows after which of them a thing is there."""
    assert planted(plant) in places(repeated)


def test_the_function_in_c_is_told(repeated: tuple[Leak, ...]) -> None:
    """It is named as one calls it."""
    inside = {line for leak in repeated for line in leak.opened_at if line.startswith("inside ")}
    assert inside >= {"inside os.dup", "inside os.pipe", "inside _thread.start_new_thread"}


def test_one_pass_claims_nothing_that_it_cannot_know(tmp_path: Path) -> None:
    """What no event tells of has no line, not even where its number had one before."""
    plants = [duplicated, piped, received, polled, opened_by_native_code]
    leaks = left_by(plants, tmp_path)
    file, *others = sorted(leaks, key=lambda leak: not leak.opened_at)
    assert file.opened_at[0].endswith(" in duplicated")
    assert file.count == 1
    assert len(others) == 5
    assert places(others) == {""}


def test_several_places_that_may_be_it_are_told_as_such(tmp_path: Path) -> None:
    """A file that two lines mapped, one of which unmapped it again."""
    path = tmp_path / "data"
    path.write_bytes(bytes(8192))

    def twice(undo: ExitStack, _: Path) -> None:
        with path.open("rb") as file:
            undo.enter_context(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ).close()

    leak = next(leak for leak in left_by([twice], tmp_path) if leak.meter == "maps")
    first, second = leak.opened_at
    assert first.startswith("either ")
    assert second.startswith("or ")


def test_traces_are_given_back(tmp_path: Path) -> None:
    """A debugger's or a coverage tool's trace function is there again after a run line by line."""
    seen = []

    def trace(*_: object) -> None:
        seen.append(1)

    old = sys.gettrace()
    with undone() as undo:
        sys.settrace(trace)
        try:
            with pytest.raises(LeakError):
                pytest_ocrleak.assert_no_growth(piped, undo, tmp_path, runs=6, warmup=1)
            assert sys.gettrace() is trace
        finally:
            sys.settrace(old)


def test_a_fingerprint_stands_line_shifts(tmp_path: Path) -> None:
    """The same function further down, in another folder, opens the same leak."""
    source = "def load(undo, folder):\n    undo.enter_context(open('/dev/null'))\n"
    prints = set()
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        path = tmp_path / str(number) / "app.py"
        path.write_text("\n" * number + source)
        space: dict[str, Plant] = {}
        exec(compile(path.read_text(), path, "exec"), space)  # noqa: S102 - a module of its own
        (leak,) = left_by([space["load"]], path.parent)
        assert leak.opened_at[0].endswith(f"app.py:{number + 2} in load")
        prints.add(leak.fingerprint)
    assert len(prints) == 1


EXHAUSTED = """
import resource
import pytest_ocrleak

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
kept = []
try:
    with pytest_ocrleak.guard():
        try:
            while True:
                kept.append(open("/dev/null"))
        except OSError:
            pass
except pytest_ocrleak.LeakError as error:
    print(error.leaks[0].opened_at, error.leaks[0].kept_by)
"""


def test_what_used_up_all_descriptors_is_told() -> None:
    """Finding out opens files of its own."""
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED], capture_output=True, text=True, check=False
    )
    assert "'<string>:11 in <module>'" in done.stdout, done.stderr
    assert "module __main__ → kept[" in done.stdout


def test_a_failing_search_hides_no_leak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is told that nothing more is known, and why."""

    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(keepers, "chain", fail)
    (leak,) = left_by([opened], tmp_path)
    assert leak.kept_by == ("unknown: finding out failed (ZeroDivisionError: planted)",)


def opened_twice(undo: ExitStack, folder: Path) -> None:
    """Take a number for a path and give it back; then native code opens the path."""
    path = folder / "data"
    os.close(os.open(path, os.O_RDWR | os.O_CREAT))
    undo.callback(os.close, ctypes.CDLL(None).open(bytes(path), os.O_RDWR))


def folder_first(undo: ExitStack, folder: Path) -> None:
    """Open a folder, and past Python a file in it that is named like one without a name."""
    path = folder / "#1"
    path.touch()
    os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
    number = ctypes.CDLL(None).open(bytes(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    undo.callback(os.close, number)


def socket_first(undo: ExitStack, _: Path) -> None:
    """Open a socket past Python, where one of Python's was."""
    socket.socket().close()
    number = ctypes.CDLL(None).socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    undo.callback(os.close, number)


def mapped_first(undo: ExitStack, folder: Path) -> None:
    """Map a file past Python that Python had mapped."""
    libc, path = ctypes.CDLL(None), folder / "data"
    libc.mmap.restype = ctypes.c_void_p
    path.write_bytes(bytes(8192))
    with path.open("rb") as file:
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ).close()
        address = libc.mmap(None, 8192, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    undo.callback(libc.munmap, ctypes.c_void_p(address), 8192)


@pytest.mark.parametrize("plant", [opened_twice, folder_first, socket_first, mapped_first])
def test_native_code_after_python_has_no_line(plant: Plant, tmp_path: Path) -> None:
    """A number and a path that Python used before do not prove that it is Python's thing."""
    (leak,) = left_by([plant], tmp_path)
    assert leak.opened_at == ()


def detached(undo: ExitStack, _: Path) -> None:
    """Take a socket that is connected out of its object."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())  # planted
        undo.callback(os.close, client.detach())


def wrapped(undo: ExitStack, _: Path) -> None:
    """Make a file object that does not close the descriptor which it is for."""
    number = os.open("/dev/zero", os.O_RDONLY)  # planted
    undo.callback(os.close, number)
    undo.enter_context(open(number, "rb", closefd=False))


@pytest.mark.parametrize("plant", [detached, wrapped])
def test_a_number_in_no_object_or_a_foreign_one(plant: Plant, tmp_path: Path) -> None:
    """The line is that of what opened it, and no object is said to keep it."""
    (leak,) = left_by([plant], tmp_path)
    assert places([leak]) == {planted(plant)}
    assert not leak.kept_by


def test_a_grandchild_is_not_told_as_a_child(tmp_path: Path) -> None:
    """Not even where a child of the same command was started, too."""

    def grand(undo: ExitStack, _: Path) -> None:
        subprocess.run(["sleep", "0.0100"], check=True)
        child = undo.enter_context(
            subprocess.Popen(["sh", "-c", "sleep 7.5 & echo; wait"], stdout=-1)
        )
        undo.callback(child.kill)
        assert child.stdout
        child.stdout.readline()

    def same(undo: ExitStack, folder: Path) -> None:
        with subprocess.Popen(["sleep", "7.5"]) as first:
            first.kill()
        grand(undo, folder)

    leaks = left_by([same], tmp_path)
    assert [leak.opened_at for leak in leaks if leak.what == "child process sleep 7.5"] == [()]


def test_threads_that_open_one_file_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lowest free number may be another thread's; then it is one line or the other."""
    path, lowest, asked, opened = tmp_path / "data", pulse.lowest, threading.Event(), []
    path.touch()

    def one(undo: ExitStack) -> None:
        asked.wait()
        opened.append(undo.enter_context(path.open("rb")))

    def other() -> None:
        path.open("rb").close()

    def late() -> int:
        number = lowest()
        if threading.current_thread().name == "other":
            asked.set()
            while not opened:
                time.sleep(0.001)
        return number

    def both(undo: ExitStack, _: Path) -> None:
        threads = [threading.Thread(target=one, args=[undo])]
        threads += [threading.Thread(target=other, name="other")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    monkeypatch.setattr(pulse, "lowest", late)
    (leak,) = left_by([both], tmp_path)
    first, second = sorted(line.rpartition(" in ")[2] for line in leak.opened_at)
    assert (first, second) == ("one", "other")
    assert leak.opened_at[0].startswith("either ")
