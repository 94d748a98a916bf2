"""How what a process holds changes: figures and names between two moments, and the pace."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pytest_ocrleak.cli.process import naming
from pytest_ocrleak.cli.process.holdings import Holdings
from pytest_ocrleak.cli.process.naming import Name

KEPT = 60  # readings that are kept for their course
SOON = 10.0  # seconds before which a pace would be made up from too little
UNITS = {"fds": "descriptors", "threads": "threads", "processes": "processes"}
BARS = "▁▂▃▄▅▆▇█"


class Reading(NamedTuple):
    """A moment with the figure of each meter."""

    held: Holdings
    figures: Mapping[str, int]


class History(NamedTuple):
    """The first reading, and the latest ones."""

    start: Reading
    latest: tuple[Reading, ...]

    @property
    def now(self) -> Reading:
        """The latest reading."""
        return self.latest[-1]

    @property
    def seconds(self) -> float:
        """How long it has been watched; nothing lies between two processes."""
        return self.now.held.taken - self.start.held.taken if self.same_process else 0.0

    @property
    def same_process(self) -> bool:
        """Whether the latest reading is of the process that the first one is of."""
        return self.start.held.process.is_same(self.now.held.process)

    def then(self, held: Holdings) -> "History":
        """Return the history with one more reading."""
        return self._replace(latest=(*self.latest, reading(held))[-KEPT:])


class Pace(NamedTuple):
    """A meter's figure, its change, and its growth per minute where enough time has gone by."""

    now: int
    change: int
    per_minute: float | None


def begun(held: Holdings) -> History:
    """Return the history of one reading."""
    first = reading(held)
    return History(first, (first,))


def reading(held: Holdings) -> Reading:
    """Return the figures of what is held; of GPU memory where it can be told."""
    memory = held.memory
    parts = {f"rss {name}": size for name, size in memory.parts.items()}
    gpu = {} if held.gpu.reason else {"gpu": held.gpu.used}
    figures = {
        "fds": len(held.descriptors),
        "threads": len(held.threads),
        "processes": len(held.children),
        "maps": sum(mapping.size for mapping in held.mappings),
        "rss": memory.resident,
        **parts,
        "swap": memory.swap,
        **gpu,
    }
    return Reading(held, figures)


def unit(meter: str) -> str:
    """Return a figure's unit, as the meters have it."""
    return UNITS.get(meter, "B")


def paces(history: History) -> dict[str, Pace]:
    """Return the pace of each meter over the whole history."""
    minutes = history.seconds / 60 if history.seconds >= SOON else 0
    start = history.start.figures
    return {
        meter: Pace(now, change, change / minutes if minutes else None)
        for meter, now in history.now.figures.items()
        for change in [now - start.get(meter, 0)]
    }


def more(before: Holdings, after: Holdings) -> dict[Name, int]:
    """Return what there is more of, by the names under which it is shown."""
    return naming.summed(naming.of_all(after) - naming.of_all(before))


def course(values: Iterable[float], most: int) -> str:
    """Return the latest values as a line of bars, from the lowest to the highest of them."""
    shown = list(values)[-most:]
    low, high = min(shown), max(shown)
    if low == high:
        return BARS[0] * len(shown)
    return "".join(BARS[round((value - low) / (high - low) * (len(BARS) - 1))] for value in shown)
