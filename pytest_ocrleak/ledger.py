"""Whose things are: tests and fixtures as owners, what each of them has, and how bytes changed."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_ocrleak.inventory import Amount, Item, MappedFile
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.outcome import Kind

STREAMS = (0, 1, 2)  # the numbers of standard input, output and error
DEVICE, BLOCK = "gpu", 2 << 20  # bytes; CUDA takes that many at a time
AMOUNTS = ("heap", "pyblocks", "rss")  # which are read at each look where they are told or judged


class Name(NamedTuple):
    """A thing's meter and identity."""

    meter: str
    key: Hashable


@dataclass(frozen=True, slots=True)
class Held:
    """A thing that came: its meter, the size of its mapping before, who opened it if another."""

    meter: str
    item: Item
    before: int = 0
    opened_in: str = ""


@dataclass(slots=True, eq=False)
class Owner:
    """A test or a fixture's life: what came in it and is still there, and how bytes changed.

    ``holds`` returns what it holds while it lives; ``judged`` tells whether anybody asked for it to
    be checked; ``scope`` is a fixture's; ``took_over`` names whose device memory it has.
    """

    kind: Kind
    name: str
    nodeid: str
    limits: Limits
    judged: bool = True
    scope: str = ""
    holds: Callable[[], Iterable[object]] = tuple
    things: dict[Name, Held] = field(default_factory=dict)
    bytes: Counter[str] = field(default_factory=Counter)
    took_over: list[str] = field(default_factory=list)

    @property
    def weighed(self) -> bool:
        """Whether bytes are judged, by a tolerance that was given."""
        return weighs(self.limits)


def weighs(limits: Limits) -> bool:
    """Tell whether limits give a tolerance for bytes."""
    return any(name in limits.tolerance for name in AMOUNTS)


def size(item: Item) -> int:
    """Return the bytes of a mapping; other things have none."""
    return item.size if isinstance(item, MappedFile) else 0


def change(old: object, new: object) -> int:
    """Return by how much a figure changed; 0 where the two cannot be set against each other.

    A context on a device stays until the process ends and is no growth: what it holds came before.
    Of two meters of the device the one that grew less counts.
    """
    if isinstance(old, int) and isinstance(new, int):
        return new - old
    if not isinstance(old, Amount) or not isinstance(new, Amount) or not old.value:
        return 0
    if new.source and old.source != new.source:
        return 0
    grown = new.value - old.value
    if old.other is None or new.other is None:
        return grown
    return min(grown, new.other - old.other)
