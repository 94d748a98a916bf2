"""Noting who opens what disturbs nobody: no error, no object, no descriptor, no trace is lost."""

import io
import itertools
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

import pytest_ocrleak
from pytest_ocrleak import LeakError

NUMBERS = itertools.count()


def piped(undo: ExitStack) -> None:
    """Open both ends of a pipe, which no event tells."""
    for end in os.pipe():
        undo.callback(os.close, end)


@pytest.mark.parametrize("take", [os.fork, partial(os.posix_spawn, "/bin/true", ["true"], {})])
def test_noting_keeps_no_variables(take: Callable[[], int], tmp_path: Path) -> None:
    """What a function deletes after it started a child is gone, whatever asked for its frame."""

    class Engine:
        pass

    def starting(_: ExitStack, __: Path) -> None:
        engine = Engine()
        weak = weakref.ref(engine)
        if not (child := take()):
            os._exit(0)
        os.waitpid(child, 0)
        del engine
        assert weak() is None

    with ExitStack() as undo, pytest_ocrleak.guard():
        starting(undo, tmp_path)


def test_noting_keeps_no_paths_and_asks_them_nothing() -> None:
    """A path of a type of the user's own is neither kept nor asked for its text once more."""

    class Place(str):
        __slots__ = ("__weakref__",)

    class Asked:
        times = 0

        def __fspath__(self) -> str:
            self.times += 1
            return os.devnull

    with pytest_ocrleak.guard():
        place, asked = Place(os.devnull), Asked()
        weak: list[Callable[[], object]] = [weakref.ref(place), weakref.ref(asked)]
        io.FileIO(place).close()
        io.FileIO(asked).close()
        assert asked.times == 1
        del place, asked
        assert [each() for each in weak] == [None, None]


class LateError(Exception):
    """What a time limit raises."""


@pytest.mark.parametrize("kind", [LateError, TimeoutError])
def test_what_a_signal_raises_is_raised(kind: type[Exception]) -> None:
    """A time limit's handler may run while an event is noted: its error is the user's."""

    def late(*_: object) -> None:
        raise kind

    def opening() -> None:
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end:
            os.close(os.open(os.devnull, os.O_RDONLY))

    before, caught = signal.signal(signal.SIGALRM, late), 0
    try:
        with pytest_ocrleak.guard(ignore="fds:*"):
            for number in range(50):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.001 + number * 1e-5)
                    opening()
                except kind:
                    caught += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert caught == 50


def test_another_ones_temp_file_that_is_written_is_no_leak() -> None:
    """A file that was there before, which this process never made, is none of its own."""
    path = Path(tempfile.gettempdir()) / f"ocrleak-{os.getpid()}"
    subprocess.run(["touch", path], check=True)
    try:
        with pytest_ocrleak.guard():
            path.open("a").close()
    finally:
        path.unlink()


DAEMON = """
import os, sys
from pytest_ocrleak.meters import reserve

if not os.fork():
    os.closerange(3, 100)
    log = [os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND) for _ in range(5)]
    if not os.fork():
        for number in log:
            os.write(number, b"x")
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
"""


def test_a_daemon_keeps_its_descriptors(tmp_path: Path) -> None:
    """What a child opens under numbers that were ours, once it closed all, is not closed."""
    path = tmp_path / "log"
    subprocess.run([sys.executable, "-c", DAEMON, path], check=True)
    assert path.read_text("ascii") == "xxxxx"


def test_a_run_too_many_leaves_the_verdict() -> None:
    """Code that fails in the run that is to tell the line has leaked all the same."""
    numbers: list[int] = []

    def fails_late() -> None:
        if len(numbers) == 7:
            raise RuntimeError
        numbers.append(os.dup(0))

    try:
        with pytest.raises(LeakError) as caught:
            pytest_ocrleak.assert_no_growth(fails_late, runs=6, warmup=1, track="fds")
        assert not caught.value.leaks[0].opened_at
    finally:
        for number in numbers:
            os.close(number)


def test_traces_of_further_threads_are_given_back() -> None:
    """What a debugger or a coverage tool has set for threads to come is set again, too."""

    def trace(*_: object) -> None:
        pass

    threading.settrace(trace)
    threading.setprofile(trace)
    try:
        with ExitStack() as undo, pytest.raises(LeakError):
            pytest_ocrleak.assert_no_growth(piped, undo, runs=6, warmup=1, track="fds")
        assert (threading.gettrace(), threading.getprofile()) == (trace, trace)
    finally:
        threading.settrace(None)
        threading.setprofile(None)


HOOKED = """
import os, sys
import pytest_ocrleak

class RefusedError(Exception):
    pass

def refuse(event, arguments):
    if event in {"sys._getframe", *sys.argv[1:]}:
        raise RefusedError

with pytest_ocrleak.guard():
    os.open(os.devnull, os.O_RDONLY)
    sys.addaudithook(refuse)
    os.open(os.devnull, os.O_RDONLY)
    print("opened")
    os._exit(0)
"""


@pytest.mark.parametrize("more", [[], ["object.__getattr__"]])
def test_a_hook_that_refuses_what_noting_asks_breaks_nothing(more: list[str]) -> None:
    """What an audit hook of the user's raises for this plugin's questions is not the user's."""
    words = [sys.executable, "-u", "-c", HOOKED, *more]
    assert subprocess.run(words, check=True, stdout=-1, text=True).stdout == "opened\n"


def opens_a_pair() -> None:
    """Open two sockets and close them, slowly."""
    for end in socket.socketpair():
        end.close()


def maps_a_new_file() -> None:
    """Map a file that has another name each time."""
    with tempfile.TemporaryFile() as file:
        file.truncate(4096)
        mmap.mmap(file.fileno(), 4096).close()


def starts_a_new_command() -> None:
    """Run a program with another argument each time."""
    subprocess.run(["/bin/true", str(next(NUMBERS))], check=True)


def opens_new_files_side_by_side() -> None:
    """Have two threads open files of other names each time."""
    both = threading.Barrier(2)

    def open_and_close() -> None:
        both.wait()
        with suppress(FileNotFoundError):
            os.open(f"/proc/{next(NUMBERS)}/nothing", os.O_RDONLY)

    threads = [threading.Thread(target=open_and_close) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def compiles_code_that_opens() -> None:
    """Open a file in code of another file's name each time, as notebooks do."""
    code = compile("os.close(os.open(os.devnull, os.O_RDONLY))", f"<{next(NUMBERS)}>", "exec")
    exec(code, {"os": os})  # noqa: S102 - made here


@pytest.mark.parametrize(
    "run",
    [
        opens_a_pair,
        maps_a_new_file,
        starts_a_new_command,
        opens_new_files_side_by_side,
        compiles_code_that_opens,
    ],
)
def test_what_is_gone_is_forgotten(run: Callable[[], None]) -> None:
    """The notes of who made it would grow, and read as a leak of slow code."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE):  # which lives all the while
        meters = pytest_ocrleak.assert_no_growth(run, runs=60, warmup=5, track="pyblocks")
    assert meters["pyblocks"].verdict == "clean"
    assert abs(meters["pyblocks"].per_run) < 0.5
