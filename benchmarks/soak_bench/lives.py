"""Engines that are made, used and freed in many threads at once, wave after wave."""

import itertools
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ocrleak_engine import EngineFreedError, ImageError, OcrEngine
from PIL import Image

from pytest_ocrleak import settle
from pytest_ocrleak.check import NOISE
from pytest_ocrleak.growth import Growth
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.readings import Readings

IMAGES = Path(__file__).parents[2] / "examples" / "images"
CUT = (320, 96)  # pixels of a real image that an engine reads: many lives count, not large pages
PAGES = 3  # an engine reads
POOLED = 3  # threads of every other engine's own pool
STEPS = ("first page", "page", "free")
ROOM = 1 << 20  # latencies of a kind, set aside at the start: keeping them must move no meter


class WrongPageError(Exception):
    """An engine read something else than the first engine did, or went on when it was freed."""


@dataclass(frozen=True)
class Sheet:
    """An image and the text that an engine alone read in it."""

    image: Image.Image
    text: str


class Times:
    """Latencies of one kind, in seconds; many threads add to them."""

    def __init__(self) -> None:
        self._next = itertools.count()
        self._kept = array("d", bytes(8 * ROOM))

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the seconds that the block takes."""
        start = time.perf_counter()
        yield
        self._kept[next(self._next)] = time.perf_counter() - start

    def sorted(self) -> list[float]:
        """Return all of them, the shortest first."""
        return sorted(filter(None, self._kept))


@dataclass
class Tally:
    """What lives did: how many there were, what went wrong by name, and how long steps took."""

    lives: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    times: dict[str, Times] = field(default_factory=lambda: {step: Times() for step in STEPS})


def sheets(folder: Path) -> list[Sheet]:
    """Cut something from each real image that is large enough, and read it with one engine."""
    pictures = [Image.open(path) for path in sorted(IMAGES.glob("*.[jpt][pni][gf]"))]
    cuts = [cut(each) for each in pictures if each.width >= CUT[0] and each.height >= 2 * CUT[1]]
    with OcrEngine(folder) as engine:
        return [Sheet(each, engine.recognize(each).text) for each in cuts]


def cut(picture: Image.Image) -> Image.Image:
    """Return the middle of a picture."""
    left, top = (picture.width - CUT[0]) // 2, (picture.height - CUT[1]) // 2
    return picture.convert("RGB").crop((left, top, left + CUT[0], top + CUT[1]))


def life(folder: Path, number: int, pages: Sequence[Sheet], times: dict[str, Times]) -> None:
    """Make an engine, read, free it, and see that it refuses to work from then on.

    Every other engine has a pool of threads; each third is given bytes that are no image as well.
    """
    with times["first page"].timed():
        engine = OcrEngine(folder, threads=POOLED if number % 2 else 1)
        read(engine, pages[number % len(pages)])
    for more in range(1, PAGES):
        with times["page"].timed():
            read(engine, pages[(number + more) % len(pages)])
    if number % 3 == 0:
        refused(lambda: engine.recognize(b"no image"), ImageError)
    with times["free"].timed():
        engine.free_resources()
    refused(lambda: engine.recognize(pages[0].image), EngineFreedError)


def read(engine: OcrEngine, sheet: Sheet) -> None:
    """Read a page, whose text must be the one that an engine alone reads."""
    if (text := engine.recognize(sheet.image).text) != sheet.text:
        raise WrongPageError(f"{text!r} was read in place of {sheet.text!r}")


def refused(act: Callable[[], object], kind: type[Exception]) -> None:
    """Act, which must raise an error of that kind."""
    try:
        act()
    except kind:
        return
    raise WrongPageError(f"no {kind.__name__} was raised")


@dataclass
class Soak:
    """So many threads, each with engine after engine, and readings at rest between the waves."""

    folder: Path
    threads: int
    pages: Sequence[Sheet]
    tell: Callable[[str], object]
    tally: Tally = field(default_factory=Tally)

    def run(self, seconds: float, wave: float) -> dict[str, Growth]:
        """Live for so long, in waves of so long; return what each meter did per engine."""
        numbers = itertools.count()
        with ThreadPoolExecutor(self.threads) as pool, settle.frozen():
            self._wave(pool, numbers, time.monotonic() + wave)  # starts the threads
            self.tally = Tally(errors=self.tally.errors)  # of the warm-up, errors count
            readings = Readings(Limits(origins=False).for_lives(NOISE, None))
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self._wave(pool, numbers, min(end, time.monotonic() + wave))
                readings.add(self.tally.lives, settle.Patience())
                self.tell(f"{self.tally.lives} engines, errors {self.tally.errors or 0}")
            found = ((meter.name, readings.growth(meter.name)) for meter in readings.limits.meters)
            return {name: growth for name, growth in found if growth}

    def _wave(self, pool: ThreadPoolExecutor, numbers: Iterator[int], end: float) -> None:
        """Let every thread live until a moment, and wait for all of them."""
        done = [pool.submit(self._live, numbers, end) for _ in range(self.threads)]
        for lived, errors in [each.result() for each in done]:
            self.tally.lives += lived
            for name in errors:
                self.tally.errors[name] = self.tally.errors.get(name, 0) + 1

    def _live(self, numbers: Iterator[int], end: float) -> tuple[int, list[str]]:
        """Live engine after engine; return how many there were and what went wrong."""
        lived, errors = 0, []
        while time.monotonic() < end:
            try:
                life(self.folder, next(numbers), self.pages, self.tally.times)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted and told
                errors.append(f"{type(error).__name__}: {error}")
            lived += 1
        return lived, errors
