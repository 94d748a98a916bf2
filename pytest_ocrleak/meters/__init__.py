"""The meters: one module a resource, each the one place that knows how a platform tells it.

A meter that cannot be read is a value (`Unavailable`, with the reason), so that a missing
capability is seen in every report and is never mistaken for a clean one.
"""

import errno
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_ocrleak.growth import Scale
from pytest_ocrleak.meters import (
    fds,
    gpu,
    heap,
    maps,
    processes,
    pyblocks,
    rss,
    tempfiles,
    threads,
)
from pytest_ocrleak.snapshot import Reading, Snapshot, Unavailable

PAGE = mmap.PAGESIZE
STORE = 7 * 1032.0  # bytes that glibc keeps for a thread and hands out again unseen (tcache)
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
        with RESERVE.lent():
            return self.take()


class Reserve:
    """A descriptor that is kept open so that one can be opened when all are in use."""

    def __init__(self) -> None:
        self.descriptor = os.open(os.devnull, os.O_RDONLY)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Close it for a while."""
        os.close(self.descriptor)
        try:
            yield
        finally:
            self.descriptor = os.open(os.devnull, os.O_RDONLY)


RESERVE = Reserve()
METERS: dict[str, Meter] = {
    meter.name: meter
    for meter in (
        Meter("fds", Scale("descriptors", exact=True), fds.read, fds.source),
        Meter("maps", Scale("B", exact=True, quantum=PAGE), maps.read, maps.source),
        Meter("threads", Scale("threads", exact=True), threads.read, threads.source),
        Meter("processes", Scale("processes", exact=True), processes.read, processes.source),
        Meter("heap", Scale("B", quantum=16, hidden=STORE), heap.read, heap.source),
        Meter("pyblocks", Scale("blocks"), pyblocks.read, pyblocks.source),
        Meter("rss", Scale("B", quantum=PAGE, hidden=DRIFT), rss.read, rss.source),
        Meter("tempfiles", Scale("files", exact=True), tempfiles.read, tempfiles.source),
        Meter("gpu", Scale("B", quantum=2 << 20), gpu.read, gpu.source),
    )
}


def chosen(track: Sequence[str] | None) -> tuple[Meter, ...]:
    """Return the meters named in ``track``, all of them for ``None``, in the registry's order."""
    return tuple(m for m in METERS.values() if track is None or m.name in track)


def read(meters: Iterable[Meter]) -> Snapshot:
    """Read each meter, bytes first: what the list of things allocates must not count as theirs."""
    ordered = sorted(meters, key=lambda meter: meter.exact)
    return Snapshot({meter.name: meter.read() for meter in ordered})
