"""What appeared between two snapshots and is still there: by identity, not by count."""

import hashlib
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from pytest_ocrleak import ignore
from pytest_ocrleak.ignore import Rule
from pytest_ocrleak.inventory import Descriptor, Item, Items, Leak, MappedFile, Snapshot, TempFile


def lingering(
    before: Snapshot, after: Snapshot, meter: str, rules: Iterable[Rule] = ()
) -> tuple[Item, ...]:
    """Return what ``meter`` sees now, did not see before, and no rule lets linger.

    Mapped files are compared by size: what counts is the bytes that came, as a file of the
    difference. A library stays for good by design and is no leak.
    """
    start = before.readings.get(meter)
    if not isinstance(start, Items) or start == after.readings.get(meter):
        return ()
    known: dict[Hashable, Item] = {}
    for item in before.items(meter):
        known[item.key] = item
        if isinstance(item, Descriptor) and item.kind == "file":
            known[item.number, item.target] = item  # a file that a log handler rolled over
    new = (
        added(item, known.get(item.key) or known.get(place(item))) for item in after.items(meter)
    )
    return ignore.keep(meter, (item for item in new if item is not None), rules)


def place(item: Item) -> Hashable:
    """Return number and path of a file's descriptor: the same file, written anew."""
    return (item.number, item.target) if isinstance(item, Descriptor) else None


def added(item: Item, old: Item | None) -> Item | None:
    """Return what of ``item`` is new, given what was there under the same identity."""
    if not isinstance(item, MappedFile):
        return item if old is None else None
    if item.kind == "library":
        return None
    size = item.size - (old.size if isinstance(old, MappedFile) else 0)
    return item._replace(size=size) if size > 0 else None


def common(older: Snapshot, newer: Snapshot) -> Snapshot:
    """Return a snapshot of the things that are in both, mapped files with the smaller size.

    What is there at every look has stayed; what others open and close meanwhile has not.
    """
    return Snapshot(
        {
            meter: Items(tuple(both(older.items(meter), reading.items)))
            if isinstance(reading, Items)
            else reading
            for meter, reading in newer.readings.items()
        }
    )


def both(older: Iterable[Item], newer: Iterable[Item]) -> Iterator[Item]:
    """Yield the newer ones of those things that are in both."""
    known = {item.key: item for item in older}
    for item in newer:
        old = known.get(item.key)
        if isinstance(item, MappedFile) and isinstance(old, MappedFile):
            yield item._replace(size=min(item.size, old.size))
        elif old is not None:
            yield item


def anything_new(before: Snapshot, after: Snapshot, rules: Iterable[Rule] = ()) -> bool:
    """Tell whether any meter sees a thing that it did not see before."""
    return any(lingering(before, after, meter, rules) for meter in after.readings)


def leaks(meter: str, items: Iterable[Item], runs: int = 1) -> Iterator[Leak]:
    """Return one `Leak` for each name, the things of that name counted, most of them first."""
    for what, count in tally(meter, (item.what for item in outermost(items))).most_common():
        yield leak(meter, what, count, count / runs)


def outermost(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the things without files and folders that lie in another of these folders."""
    every = list(items)
    folders = {item.path for item in every if isinstance(item, TempFile)}
    for item in every:
        if not (isinstance(item, TempFile) and any(map(folders.__contains__, above(item.path)))):
            yield item


def above(path: str) -> Iterator[str]:
    """Yield the folders that a path lies in, the nearest first."""
    while separators := [at for at in (path.rfind("/"), path.rfind("\\")) if at > 0]:
        path = path[: max(separators)]
        yield path


def tally(meter: str, names: Iterable[str]) -> Counter[str]:
    """Count names, those that differ in numbers alone under the first of them."""
    first: dict[str, str] = {}
    return Counter(first.setdefault(fingerprint(meter, name), name) for name in names)


def leak(meter: str, what: str, count: int, per_run: float, keeper: str | None = None) -> Leak:
    """Return a `Leak` with its fingerprint, its name such that any encoding can write it.

    A path may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
    """
    what = what.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    kept_by = (keeper,) if keeper else ()
    return Leak(meter, what, count, per_run, (), kept_by, fingerprint(meter, what))


def fingerprint(meter: str, what: str) -> str:
    """Return a name for the leak that is the same in the next run of the suite.

    Numbers (ids, addresses, sizes) change from run to run and are left out.
    """
    stable = re.sub(r"0x[0-9a-f]+|\d+", "#", what)
    return hashlib.sha256(f"{meter}\n{stable}".encode(errors="replace")).hexdigest()[:16]


def between(before: Snapshot, after: Snapshot, rules: Iterable[Rule] = ()) -> list[Leak]:
    """Return what appeared between two snapshots and is still there.

    Things are judged exactly. Bytes are not: one pass cannot tell a first use from a leak, so
    they are for `assert_no_growth`, or for a guard with a tolerance.
    """
    return [
        found
        for meter in after.readings
        for found in leaks(meter, lingering(before, after, meter, rules))
    ]
