"""The meters: one module a resource, each the one place that knows how a platform tells it.

A meter that cannot be read is a value (`Unavailable`, with the reason), so that a missing
capability is seen in every report and is never mistaken for a clean one.
"""

import errno
import functools
import importlib
import mmap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pytest_ocrleak.inventory import Reading, Snapshot, Unavailable
from pytest_ocrleak.meters import reserve
from pytest_ocrleak.scale import Scale

PAGE = mmap.PAGESIZE
STORE = 1032.0  # the largest block that glibc may hand out unseen, from a thread's own cache
FEW_BLOCKS = 16.0  # blocks by which the interpreter's own caches move, in all, without growth
DRIFT = 1e6  # bytes by which resident memory moves without growth, even once the heap is trimmed


@dataclass(frozen=True, slots=True)
class Meter:
    """A resource that can be read, and the scale its readings are on.

    The scale is exact where things with an identity are read, which need no statistics.
    """

    name: str
    scale: Scale
    take: Callable[[], Reading]
    source: Callable[[], str]

    @property
    def unit(self) -> str:
        """The unit of its readings: bytes ("B"), blocks or things."""
        return self.scale.unit

    @property
    def exact(self) -> bool:
        """Whether it reads things with an identity."""
        return self.scale.exact

    def read(self) -> Reading:
        """Read it; whatever keeps it from being read becomes the reason it is unavailable."""
        try:
            return self.taken()
        except Exception as error:  # noqa: BLE001 - measuring must not break a test run
            return Unavailable(f"{type(error).__name__}: {error}")

    def taken(self) -> Reading:
        """Read it, with a descriptor kept in reserve where the process has none left."""
        try:
            return self.take()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
        with reserve.lent():
            return self.take()


def late(name: str, function: str) -> Callable[[], Any]:
    """Return a function of a meter's module, which is imported when it is first called.

    A look between two tests needs few of them.
    """

    @functools.cache
    def module() -> ModuleType:
        return importlib.import_module(f"{__name__}.{name}")

    return lambda: getattr(module(), function)()  # noqa: PLW0108 - looked up anew each time


def load() -> None:
    """Import all that the meters need, so that no check pays for it, in time or in memory."""
    for name in METERS:
        importlib.import_module(f"{__name__}.{name}")
    for module in ("allocated", "elf", "nvml"):
        importlib.import_module(f"{__name__}.{module}")
    importlib.import_module("psutil")


SCALES = {
    "fds": Scale("descriptors", exact=True),
    "maps": Scale("B", exact=True, quantum=PAGE),
    "threads": Scale("threads", exact=True),
    "processes": Scale("processes", exact=True),
    "heap": Scale("B", quantum=16, hidden=STORE),
    "pyblocks": Scale("blocks", hidden=FEW_BLOCKS),
    "rss": Scale("B", quantum=PAGE, hidden=DRIFT),
    "tempfiles": Scale("files", exact=True),
    "gpu": Scale("B", quantum=2 << 20),
}
METERS: dict[str, Meter] = {
    name: Meter(name, scale, late(name, "read"), late(name, "source"))
    for name, scale in SCALES.items()
}


def chosen(track: Sequence[str] | None) -> tuple[Meter, ...]:
    """Return the meters named in ``track``, all of them for ``None``, in the registry's order."""
    return tuple(m for m in METERS.values() if track is None or m.name in track)


def read(meters: Iterable[Meter]) -> Snapshot:
    """Read each meter, bytes first: what the list of things allocates must not count as theirs."""
    ordered = sorted(meters, key=lambda meter: meter.exact)
    return Snapshot({meter.name: meter.read() for meter in ordered})
