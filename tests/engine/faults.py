"""Strike the engine with an exception at every point of its life, and see what is left.

CPython looks for signals where a function begins and where a call of C returns: those are the
points of `CALLS`, and the ones of `LINES` are stricter. Run as a script, `faults.py`, it strikes
in every file that runs, Pillow's, NumPy's and onnxruntime's too, which takes minutes; the suite
strikes in the engine's own.
"""

import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import tiny_models
from engine_processes import RAM
from ocrleak_engine import EngineError, OcrEngine, shipped

from pytest_ocrleak import guard

OWN = str(Path(shipped.__file__).parent)
LINES = frozenset({"line"})
CALLS = frozenset({"call", "c_return"})
Line = tuple[str, str, int]  # event, file, number
Point = tuple[str, str, int, int]
EXACT = "sync_folder"  # holds a bare descriptor: right between calls only, where Ctrl-C strikes


class Strikes:
    """Raises a fault in each life at the first point of it where none was raised before.

    A point is an event, a line, and how often this life has passed there, up to `passes` times.
    """

    def __init__(
        self, fault: type[BaseException], events: frozenset[str], places: str, passes: float
    ) -> None:
        self.fault, self.events, self.places, self.passes = fault, events, places, passes
        self.struck: set[Point] = set()
        self.where: Point | None = None

    def during(self, act: Callable[[], object]) -> None:
        """Act, and raise at the next point; `where` tells it, None where no more is left."""
        self.where = None
        lines = self.events is LINES
        listen, outer = (
            (sys.settrace, sys.gettrace()) if lines else (sys.setprofile, sys.getprofile())
        )
        listen(partial(self._watch, Counter()))
        try:
            act()
        finally:
            listen(outer)

    def _watch(self, passed: Counter[Line], frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        if code.co_filename == __file__ or not code.co_filename.startswith(self.places):
            return None
        if event in self.events and (event, code.co_name) != ("line", EXACT):
            line = event, code.co_filename, frame.f_lineno
            passed[line] += 1
            point = *line, passed[line]
            if passed[line] <= self.passes and point not in self.struck and not self.where:
                self.struck.add(point)
                self.where = point
                raise self.fault("struck")
        return partial(self._watch, passed)


@contextmanager
def in_memory() -> Iterator[Path]:
    """Give a folder in memory where that can be: hundreds of `fsync` take minutes on a disk."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None) as room:
        yield Path(room)


@contextmanager
def tiny_package(room: Path) -> Iterator[None]:
    """Let the engine ship the tiny models."""
    real, place = shipped.folder, tiny_models.package(room / "package")
    shipped.folder = lambda: place
    shipped.files.cache_clear()
    try:
        yield
    finally:
        shipped.folder = real
        shipped.files.cache_clear()


def live(folder: Path, image: Path, strikes: Strikes) -> None:
    """Copy, load, read and free, struck on the way; then finish, and look at what there is."""
    engine, outcome = OcrEngine(folder), None

    def act() -> None:
        engine.list_local()
        engine.recognize(image)
        engine.free_resources()

    try:
        strikes.during(act)
    except (strikes.fault, EngineError) as error:
        outcome = type(error)
    if strikes.where and not issubclass(strikes.fault, Exception):
        assert outcome is strikes.fault, strikes.where
    assert not list(folder.glob(".*")), strikes.where
    whole = tiny_models.files()
    for path in folder.glob("*"):
        assert path.read_bytes() == whole[path.name], (path, strikes.where)
    if not engine.freed:
        assert engine.recognize(image).text == tiny_models.TEXT, strikes.where
    engine.free_resources()
    assert engine._stages is None, strikes.where


def struck(
    fault: type[BaseException],
    events: frozenset[str],
    places: str = OWN,
    passes: float = math.inf,
    warm_up: int = 20,
) -> int:
    """Live once for each point, struck there; return how many there were, all without a trace."""
    strikes = Strikes(fault, events, places, passes)
    with in_memory() as room, tiny_package(room):
        image = room / "page.png"
        tiny_models.picture().save(image)

        def life() -> bool:
            with tempfile.TemporaryDirectory(dir=room) as folder:
                live(Path(folder), image, strikes)
            return strikes.where is not None

        for _ in range(warm_up):  # what is loaded and cached once
            life()
        room_for_points = "128 KiB" if passes == 1 else "2 MiB"  # they are kept in a set
        heap = {"heap": room_for_points}
        with guard("struck", track="fds,maps,threads,heap", tolerance=heap):
            while life():
                pass
    return len(strikes.struck)


if __name__ == "__main__":
    for given in (KeyboardInterrupt, MemoryError):
        print(given.__name__, struck(given, CALLS, places=""), flush=True)  # noqa: T201
