"""The meters: one module a resource, each the one place that knows how a platform tells it.

A meter that cannot be read is a value (`Unavailable`, with the reason), so that a missing
capability is seen in every report and is never mistaken for a clean one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pytest_ocrleak.meters import fds, gpu, heap, maps, processes, rss, threads
from pytest_ocrleak.snapshot import Reading, Snapshot, Unavailable


@dataclass(frozen=True, slots=True)
class Meter:
    """A resource that can be read, and the unit its readings are in ("B" or things)."""

    name: str
    unit: str
    take: Callable[[], Reading]
    source: Callable[[], str]

    @property
    def exact(self) -> bool:
        """Whether it reads things with an identity, which need no statistics."""
        return self.unit != "B"

    def read(self) -> Reading:
        """Read it; whatever keeps it from being read becomes the reason it is unavailable."""
        try:
            return self.take()
        except Exception as error:  # noqa: BLE001 - measuring must not break a test run
            return Unavailable(f"{type(error).__name__}: {error}")


METERS: dict[str, Meter] = {
    meter.name: meter
    for meter in (
        Meter("fds", "descriptors", fds.read, fds.source),
        Meter("maps", "mappings", maps.read, maps.source),
        Meter("threads", "threads", threads.read, threads.source),
        Meter("processes", "processes", processes.read, processes.source),
        Meter("heap", "B", heap.read, heap.source),
        Meter("rss", "B", rss.read, rss.source),
        Meter("gpu", "B", gpu.read, gpu.source),
    )
}


def chosen(track: Sequence[str] | None) -> tuple[Meter, ...]:
    """Return the meters named in ``track``, all of them for ``None``, in the registry's order."""
    return tuple(m for m in METERS.values() if track is None or m.name in track)


def read(meters: Iterable[Meter]) -> Snapshot:
    """Read each meter, bytes first: what the list of things allocates must not count as theirs."""
    ordered = sorted(meters, key=lambda meter: meter.exact)
    return Snapshot({meter.name: meter.read() for meter in ordered})
