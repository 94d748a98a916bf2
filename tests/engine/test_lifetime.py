"""What an engine leaves behind: after use and errors, between threads, after fork, at exit."""

import gc
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import psutil
import pytest
from ocrleak_engine import EngineFreedError, ImageError, ModelError, OcrEngine, Page
from ocrleak_engine.lifetime import Door, Use
from ocrleak_engine.recognize import Recognizer
from ocrleak_engine.session import Session
from PIL import Image

KEPT = 5_000_000  # a loaded engine holds about twice as much
SLACK = 256 * 1024
READING = Recognizer.read.__code__
LOADING = Session.__init__.__code__


@contextmanager
def at(code: CodeType, act: Callable[[], object]) -> Iterator[None]:
    """Call `act` whenever `code` is entered, in this thread and in those started meanwhile."""

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is code:
            act()

    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run code with an engine and a picture in a process of its own."""
    start = (
        "import os, sys, threading\nfrom PIL import Image, ImageDraw, ImageFont\n"
        "from ocrleak_engine import OcrEngine\n"
        "picture = Image.new('RGB', (600, 100), 'white')\n"
        "pen = ImageDraw.Draw(picture)\n"
        "pen.text((30, 25), 'Hello', font=ImageFont.load_default(36), fill='black')\n"
    )
    return subprocess.run(
        [sys.executable, *options, "-c", start + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_free_gives_the_memory_back(native: Callable[[], int], picture: Image.Image) -> None:
    """The planted leak (an engine not yet freed) is seen by the same measure."""
    before = native()
    engine = OcrEngine()
    page = engine.recognize(picture)
    assert native() - before > KEPT
    engine.free_resources()
    assert native() - before < SLACK
    assert page.text == "Hello freed world 42"


def test_runs_leave_nothing(native: Callable[[], int], picture: Image.Image) -> None:
    """Five more runs, with a pool of threads in one half of them."""
    with OcrEngine(threads=3) as engine:
        engine.recognize(picture)
    before, threads = native(), psutil.Process().num_threads()
    for run in range(5):
        with OcrEngine(threads=1 + 2 * (run % 2)) as engine:
            engine.recognize(picture)
    assert native() - before < SLACK
    assert psutil.Process().num_threads() == threads


def test_the_pool_ends(picture: Image.Image) -> None:
    """The pool's threads are there while the engine is loaded, and gone when `free` returns."""
    before = psutil.Process().num_threads()
    with OcrEngine(threads=3) as engine:
        engine.recognize(picture)
        assert psutil.Process().num_threads() >= before + 2
    assert psutil.Process().num_threads() == before


def test_kept_errors_keep_nothing(
    native: Callable[[], int], models: Path, picture: Image.Image
) -> None:
    """Of an unusable image, of a second model that fails after the first loaded, of a late call."""
    whole = (models / "ppocrv6_tiny_rec.onnx").read_bytes()
    (models / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    large = Image.new("RGB", (2000, 2000), "white")
    kept: list[Exception] = []
    with pytest.raises(ImageError):
        OcrEngine().recognize(b"no image")  # Pillow loads its rarer formats once
    before = native()
    for options in ({}, {"recognizer": "cut.onnx"}, {"recognizer": "ppocrv6_tiny_det.onnx"}):
        engine = OcrEngine(**options)
        for image in (picture, large, b"no image"):
            try:
                engine.recognize(image)
            except (ImageError, ModelError) as error:
                kept.append(error)
        engine.free_resources()
        with pytest.raises(EngineFreedError) as caught:
            engine.recognize(picture)
        kept.append(caught.value)
    assert len(kept) == (1 + 1) + (3 + 1) + (3 + 1)  # images, and the late call
    assert native() - before < SLACK
    (models / "cut.onnx").unlink()


def test_an_interrupt_keeps_nothing(native: Callable[[], int], picture: Image.Image) -> None:
    """The frames of a kept `KeyboardInterrupt` would hold onnxruntime's own objects."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    before = native()
    engine = OcrEngine()
    with at(READING, interrupt), pytest.raises(KeyboardInterrupt) as caught:
        engine.recognize(picture)
    assert native() - before > KEPT
    engine.free_resources()
    assert native() - before < SLACK
    assert caught.value.__traceback__ is not None


def test_a_dropped_engine_warns_and_frees(native: Callable[[], int], picture: Image.Image) -> None:
    """Like a file that was not closed; one that loaded nothing has nothing to warn of."""
    before = native()
    engine = OcrEngine()
    engine.recognize(picture)
    with pytest.warns(ResourceWarning, match="unfreed <OcrEngine loaded"):
        del engine
    assert native() - before < SLACK
    OcrEngine()
    with pytest.raises(ValueError, match="threads=0"):
        OcrEngine(threads=0)
    gc.collect()


def test_free_waits_for_a_thread_that_reads(picture: Image.Image) -> None:
    """The reader finishes its page; free returns after it, and not before."""
    engine, inside, go_on, freed = OcrEngine(), threading.Event(), threading.Event(), []
    pages: list[Page] = []

    def pause() -> None:
        inside.set()
        assert go_on.wait(30)
        freed.append(engine._stages is None)

    def free() -> None:
        engine.free_resources()
        freed.append(engine._stages is None)

    with at(READING, pause):
        reader = threading.Thread(target=lambda: pages.append(engine.recognize(picture)))
        reader.start()
        assert inside.wait(30)
        freer = threading.Thread(target=free)
        freer.start()
        while not engine.freed:
            pass  # the freer shuts the door first, then waits
        with pytest.raises(EngineFreedError):
            engine.recognize(picture)
        go_on.set()
        reader.join(30)
        freer.join(30)
    assert freed == [False, True]
    assert pages[0].text == "Hello freed world 42"


def test_free_under_fire(native: Callable[[], int], picture: Image.Image) -> None:
    """Three threads that read without end, and two that free: pages or `EngineFreedError`."""
    before = native()
    engine, outcomes = OcrEngine(), []
    started = threading.Barrier(4)

    def read() -> None:
        outcomes.append(engine.recognize(picture).text)
        started.wait(30)
        try:
            while True:
                outcomes.append(engine.recognize(picture).text)
        except EngineFreedError:
            outcomes.append("freed")

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait(30)
    other = threading.Thread(target=engine.free_resources)
    other.start()
    engine.free_resources()
    assert engine._stages is None
    for thread in (*threads, other):
        thread.join(30)
    assert outcomes.count("freed") == 3
    assert set(outcomes) == {"freed", "Hello freed world 42"}
    assert native() - before < SLACK


def test_first_images_load_once(picture: Image.Image) -> None:
    """Four threads start together; two models are loaded, not eight."""
    loads: list[int] = []
    start = threading.Barrier(4)
    with OcrEngine() as engine, at(LOADING, lambda: loads.append(1)):

        def read() -> None:
            start.wait(30)
            engine.recognize(picture)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(loads) == 2


@pytest.mark.parametrize("where", [READING, LOADING])
def test_free_from_inside(where: CodeType, native: Callable[[], int], picture: Image.Image) -> None:
    """A signal handler frees while its own thread loads or reads: the last one out does it."""
    before = native()
    engine = OcrEngine()
    old = signal.signal(signal.SIGUSR1, lambda *_: engine.free_resources())
    try:
        with at(where, lambda: signal.raise_signal(signal.SIGUSR1)):
            assert engine.recognize(picture).text == "Hello freed world 42"
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert engine.freed
    assert engine._stages is None
    assert native() - before < SLACK


def test_recognize_from_inside_a_load(native: Callable[[], int], picture: Image.Image) -> None:
    """A signal handler reads while its own thread loads: no deadlock, and nothing is left."""
    before = native()
    texts: list[str] = []
    with OcrEngine() as engine:

        def read() -> None:
            sys.setprofile(None)
            texts.append(engine.recognize(picture).text)

        with at(LOADING, read):
            texts.append(engine.recognize(picture).text)
    assert texts == ["Hello freed world 42"] * 2
    assert native() - before < SLACK


def test_the_door_waits_for_others_and_not_for_itself() -> None:
    """A use is over when its lock is free, whether or not it was forgotten."""
    door, mine, stale = Door(), Use(), Use()
    assert door.enter(stale)
    with mine.lock:
        assert door.enter(mine)
        assert not door.close()
        late = Use()
        with late.lock:
            assert not door.enter(late)
            assert not door.leave(late)
    assert door.leave(mine)
    assert door.close()


def test_free_in_a_consumer(picture: Image.Image) -> None:
    """Between two pages the engine may be freed; the next page says so."""
    engine = OcrEngine()
    pages = engine.recognize_many([picture, picture])
    assert next(pages).text == "Hello freed world 42"
    engine.free_resources()
    with pytest.raises(EngineFreedError):
        next(pages)


FORK = """
engine = OcrEngine(threads={threads})
engine.recognize(picture)
stop = threading.Event()
def read():
    while not stop.is_set():
        engine.recognize(picture)
threads = [threading.Thread(target=read, daemon=True) for _ in range({readers})]
for thread in threads: thread.start()
def child():
    assert engine.recognize(picture).text == 'Hello'
    engine.free_resources()
    assert engine.freed
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        {leave}
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads: thread.join()
assert not engine.freed
assert engine.recognize(picture).text == 'Hello'
engine.free_resources()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.parametrize(
    ("threads", "readers", "leave"),
    [
        (1, 2, "child(); sys.exit(0)"),
        (3, 0, "child(); sys.exit(0)"),
        (3, 2, "child(); sys.exit(0)"),
        (3, 2, "child(); os._exit(0)"),
        (3, 2, "sys.exit(0)"),
    ],
)
def test_fork(threads: int, readers: int, leave: str) -> None:
    """The child works, frees and ends by itself; the parent's engine and its readers go on."""
    done = python(FORK.format(threads=threads, readers=readers, leave=leave), "-W", "ignore")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "code",
    [
        "engine = OcrEngine(threads=3); engine.recognize(picture)",
        "engine = OcrEngine(); engine.recognize(picture); engine.free_resources()",
        "engine = OcrEngine(); engine.recognize(picture); engine.me = engine",
        """engine = OcrEngine(); engine.recognize(picture)
def read():
    while True: engine.recognize(picture)
threading.Thread(target=read, daemon=True).start()""",
    ],
)
def test_interpreter_exit(code: str) -> None:
    """Freed or not, in a cycle or in use by a daemon thread: the process ends, and silently."""
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unfreed_engine_is_told_of_at_exit() -> None:
    """Under -X dev, as an unclosed file is."""
    done = python("engine = OcrEngine(); engine.recognize(picture)", "-X", "dev")
    assert done.returncode == 0
    assert "ResourceWarning: unfreed <OcrEngine" in done.stderr


def test_a_warning_made_an_error_does_not_keep_a_dropped_engine(
    native: Callable[[], int], picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is freed before it warns, and Python reports the warning as it does a file's."""
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told.append(args.exc_type))
    before = native()
    engine = OcrEngine()
    engine.recognize(picture)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del engine
    assert told == [ResourceWarning]
    assert native() - before < SLACK
