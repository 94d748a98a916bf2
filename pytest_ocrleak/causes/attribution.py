"""Why things are there: the lines that made them and what keeps them, in words."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, zip_longest

from pytest_ocrleak.causes import holders, keepers, origins, owners, stacks
from pytest_ocrleak.difference import alike
from pytest_ocrleak.inventory import Cause, Descriptor, Item, Thread
from pytest_ocrleak.meters import METERS, events, pools, reserve
from pytest_ocrleak.meters.events import Stack

SECONDS = 1.0  # that the search for all that keeps them may take
NATIVES = 2  # native objects in a freed object that are named
MOST = 10  # names of which it is searched: more are not shown


def causes(items: Iterable[Item], owner: object = None) -> Mapping[Item, Cause]:
    """Return why each of some things is there, as far as that is known.

    What keeps them is looked for once for each name; an ``owner`` that is kept alive may be it.
    Where the process has no descriptor left, one is given up for it. What fails here must not hide
    that they leak, so it is told as the reason why nothing more is known.
    """
    things = list(items)
    try:
        return found(things, owner) if things else {}
    except OSError:
        with reserve.lent(), suppress(OSError):
            return found(things, owner)
    except Exception as error:  # noqa: BLE001 - a leak is a leak
        failed = f"unknown: finding out failed ({type(error).__name__}: {error})"
        return dict.fromkeys(things, Cause(kept_by=(failed,)))
    return {}


def found(things: Sequence[Item], owner: object) -> dict[Item, Cause]:
    """Return what made things, and what keeps them."""
    known = owners.found(things)
    everything = descriptors() if any(isinstance(item, Descriptor) for item in things) else ()
    kept = kept_by(things, known, owner)
    return {
        item: made(origins.found(item, known.get(item), everything))._replace(
            kept_by=kept.get(item, ())
        )
        for item in things
    }


def descriptors() -> tuple[Item, ...]:
    """Return all that are open."""
    return getattr(METERS["fds"].read(), "items", ())


def made(found: Iterable[Stack]) -> Cause:
    """Return the cause of what one of these stacks made."""
    told = ((stacks.told(stack), stack) for stack in found)
    return one_of(Cause(lines, (), stacks.origin(stack)) for lines, stack in told if lines)


def one_of(found: Iterable[Cause]) -> Cause:
    """Return the cause that is one of these; where they differ it is one or the other, and said so.

    Those of one line are one, whoever called it.
    """
    by_line: dict[str, list[Cause]] = {}
    for cause in found:
        by_line.setdefault(cause.opened_at[0], []).append(cause)
    if len(by_line) > 1:
        return Cause(tuple(either(by_line)))
    for first, *others in by_line.values():
        same = all(other.opened_at == first.opened_at for other in others)
        return first if same else first._replace(opened_at=first.opened_at[:1])
    return Cause()


def either(places: Iterable[str]) -> Iterator[str]:
    """Yield several places of which one is it."""
    for word, place in zip(chain(["either"], ["or"] * stacks.SHOWN), places, strict=False):
        yield f"{word} {place}"


def kept_by(
    items: Iterable[Item], known: Mapping[Item, object], owner: object = None
) -> dict[Item, tuple[str, ...]]:
    """Return the chains of references that keep the objects of things, one for each name."""
    end = time.perf_counter() + SECONDS
    first = {alike(item.what): item for item in items if item in known}
    found: dict[Item, tuple[str, ...]] = {}
    for item in list(first.values())[:MOST]:
        if isinstance(item, Thread):
            found[item] = running(known[item])
            continue
        left = end - time.perf_counter()
        words = keepers.chain(known[item], left, owner=owner) if left > 0 else ""
        if words:
            found[item] = (words,)
    return found


def running(thread: object) -> tuple[str, ...]:
    """Return what a thread runs: that, and nothing else, keeps it."""
    frame = next(owners.frames(thread), None)
    line = stacks.first(events.stack(frame))
    return (f"what it runs: {line}",) if line else ()


def of_device() -> tuple[str, ...]:
    """Return what holds device memory, as far as the frameworks tell."""
    kept = (f"{each.name}: {each.give_back}" for each in pools.retained() if each.bytes)
    return (*pools.holders(), *(f"{each} gives back what nobody uses" for each in kept))


def natives(owner: object) -> tuple[str, ...]:
    """Return the native objects that an object holds, by the chains that lead to them.

    Only such can hold memory that Python does not see.
    """
    inner = telling(holders.natives(owner))[:NATIVES]
    chains = (keepers.chain(inner[at], owner=owner) for at in range(len(inner)))
    return tuple(chain for chain in chains if chain)


def telling(objects: Iterable[object]) -> list[object]:
    """Return objects in an order in which the first few tell most.

    One of each type comes before others of its type: the largest as far as that is known, else the
    one that came first.
    """
    by_type: dict[int, list[object]] = {}
    for each in objects:
        by_type.setdefault(id(type(each)), []).append(each)
    rows = zip_longest(*(sorted(ones, key=size, reverse=True) for ones in by_type.values()))
    return [each for row in rows for each in row if each is not None]


def size(each: object) -> int:
    """Return the bytes that an object says to take, without what it refers to."""
    try:
        return sys.getsizeof(each)
    except Exception:  # noqa: BLE001 - it is its type's code
        return 0
