"""Measurements -> Markdown; writes nothing itself."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .cases import REAL
from .engines import ENGINES, OURS
from .run import Memory, Reading
from .score import error_rate

COLUMNS = "two columns"  # the look that is a matter of reading order
PEER = "rapidocr"  # the one that the goals speak of
MB = 1_000_000
Table = Sequence[Sequence[str]]

_INTRODUCTION = """\
Written by `python benchmarks/ocr.py`; not to be edited. All engines read the same images in the
same run, each in a process of its own and with its own defaults, taking turns image by image. A
time is the median of the rounds; a time ratio is an engine's time divided by ocrleak-engine's on
the same image, and the median of that over the images. CER is the character error rate: all edits
divided by all characters, quotes, dashes, bullets and white space written alike beforehand."""
_ON_MEMORY = """\
Each engine in a fresh process: before loading; loaded and one small image read; at the peak over
one image of each look and all real ones; after freeing (or dropping), `gc.collect()` and a trim of
the heap; after a second life of the engine in the same process. Libraries stay imported. The
program `tesseract` holds nothing in this process and has no line."""
_ON_STREAM = """\
One process, one engine, the rendered images over and over; a page is dropped when the next is
asked for."""


@dataclass(frozen=True)
class Results:
    """All that was measured in one run."""

    about: Mapping[str, str]  # date, machine, versions: shown as they are
    versions: Mapping[str, str | None]  # of every engine asked for; None is not installed
    readings: Mapping[str, Sequence[Reading]]
    memory: Mapping[str, Memory]
    stream: Sequence[int]  # peak bytes, after equal numbers of images
    stream_step: int  # images


@dataclass(frozen=True)
class Goal:
    """A number to stay under."""

    what: str
    limit: float
    value: float | None  # None: not measured, a peer is missing
    unit: str

    @property
    def verdict(self) -> str:
        """Return reached, missed or not measured."""
        if self.value is None:
            return "not measured"
        return "reached" if self.value <= self.limit else "**missed**"


def goals(results: Results) -> list[Goal]:
    """Return what was to be reached, and what was."""
    ours, peer = results.readings[OURS], results.readings.get(PEER)
    weighed = results.memory[OURS]
    between = abs(weighed.freed_again - weighed.freed) / MB
    slower = 1 / time_ratio(peer, ours) if peer else None
    return [
        Goal("character error rate, rendered", 1.5, 100 * _rate(ours, real=False), "%"),
        Goal("character error rate, real", 0.6, 100 * _rate(ours, real=True), "%"),
        Goal("time per image, RapidOCR's = 1", 0.2, slower, ""),
        Goal("resident after freeing, first against second life", 5, between, "MB"),
    ]


def time_ratio(these: Sequence[Reading], those: Sequence[Reading]) -> float:
    """Return how often longer `these` took than `those`: the median over the images."""
    return statistics.median(a.time / b.time for a, b in zip(these, those, strict=True))


def markdown(results: Results) -> str:
    """Return the whole page."""
    return "\n".join(_page(results)) + "\n"


def _page(results: Results) -> Iterator[str]:
    yield "# OCR benchmark"
    yield ""
    yield _INTRODUCTION
    yield ""
    yield from (f"- {name}: {value}" for name, value in results.about.items())
    yield ""
    yield from _section("Goals", _goal_table(results))
    yield from _section("Accuracy and time", _engine_table(results))
    yield from _errors(results)
    yield from _section("Character error rate by look, %", _look_table(results))
    yield from _section("Real images: character error rate, % (time ratio)", _real_table(results))
    yield from _section("Resident memory, MB", _memory_table(results))
    yield _ON_MEMORY
    yield ""
    yield from _section("`recognize_many`: peak resident memory, MB", _stream_table(results))
    yield _ON_STREAM


def _section(title: str, table: Table) -> Iterator[str]:
    head, *rows = table
    yield f"## {title}"
    yield ""
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _goal_table(results: Results) -> Table:
    head = ["goal", "at most", "measured", ""]
    return [head, *(_goal_row(goal) for goal in goals(results))]


def _goal_row(goal: Goal) -> Sequence[str]:
    value = "—" if goal.value is None else f"{goal.value:.2f} {goal.unit}".strip()
    return [goal.what, f"{goal.limit} {goal.unit}".strip(), value, goal.verdict]


def _engine_table(results: Results) -> Table:
    head = [
        "engine",
        "runs with",
        "CER rendered, %",
        "in one column, %",
        "CER real, %",
        "time ratio rendered",
        "real",
        "median ms",
    ]
    return [head, *(_engine_row(results, name) for name in results.versions)]


def _engine_row(results: Results, name: str) -> Sequence[str]:
    version, settings = results.versions[name], ENGINES[name].settings
    if version is None:
        return [name, "not installed", *["—"] * 6]
    here, ours = results.readings[name], results.readings[OURS]
    one_column = [each for each in here if each.case.look != COLUMNS]
    rates = [
        f"{100 * rate:.2f}"
        for rate in (
            _rate(here, real=False),
            _rate(one_column, real=False),
            _rate(here, real=True),
        )
    ]
    ratios = [
        f"{time_ratio(_kind(here, real=real), _kind(ours, real=real)):.2f} ×"
        for real in (False, True)
    ]
    typical = f"{1000 * statistics.median(reading.time for reading in here):.0f}"
    return [f"{name} {version}", settings, *rates, *ratios, typical]


def _errors(results: Results) -> Iterator[str]:
    """Name the images that an engine refused, or of which it returned nothing."""
    for name, readings in results.readings.items():
        failed = [each.case.name for each in readings if each.error]
        silent = [each.case.name for each in readings if not each.text.strip() and not each.error]
        for what, names in (("raised on", failed), ("returned nothing for", silent)):
            if names:
                yield f"{name} {what}: {', '.join(names)}; counted as all wrong."
                yield ""


def _look_table(results: Results) -> Table:
    looks = dict.fromkeys(each.case.look for each in results.readings[OURS])
    looks.pop(REAL, None)
    rows = [
        [look, *(_look_cell(each, look) for each in results.readings.values())] for look in looks
    ]
    return [["look", *results.readings], *rows]


def _look_cell(readings: Sequence[Reading], look: str) -> str:
    return f"{100 * error_rate(each.edits for each in readings if each.case.look == look):.2f}"


def _real_table(results: Results) -> Table:
    ours = _kind(results.readings[OURS], real=True)
    columns = [_kind(each, real=True) for each in results.readings.values()]
    rows = [
        [ours[index].case.name, *(_real_cell(column[index], ours[index]) for column in columns)]
        for index in range(len(ours))
    ]
    return [["image", *results.readings], *rows]


def _real_cell(reading: Reading, ours: Reading) -> str:
    return f"{100 * error_rate([reading.edits]):.2f} ({reading.time / ours.time:.1f} ×)"


def _memory_table(results: Results) -> Table:
    head = ["engine", "before", "loaded", "peak", "freed", "freed again", "difference"]
    return [head, *(_memory_row(name, each) for name, each in results.memory.items())]


def _memory_row(name: str, weighed: Memory) -> Sequence[str]:
    steps = (weighed.start, weighed.loaded, weighed.peak, weighed.freed, weighed.freed_again)
    between = (weighed.freed_again - weighed.freed) / MB
    return [name, *(f"{step / MB:.0f}" for step in steps), f"{between:+.1f}"]


def _stream_table(results: Results) -> Table:
    step = results.stream_step
    counts = [str(step * number) for number in range(1, len(results.stream) + 1)]
    return [["images", *counts], ["peak", *(f"{each / MB:.1f}" for each in results.stream)]]


def _kind(readings: Sequence[Reading], *, real: bool) -> list[Reading]:
    return [each for each in readings if (each.case.look == REAL) == real]


def _rate(readings: Sequence[Reading], *, real: bool) -> float:
    return error_rate(each.edits for each in _kind(readings, real=real))
