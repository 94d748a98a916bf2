"""What appeared between two snapshots and is still there: by identity, not by count."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from pytest_ocrleak import ignore
from pytest_ocrleak.ignore import Rule
from pytest_ocrleak.inventory import (
    UNKNOWN,
    Cause,
    Descriptor,
    Item,
    Items,
    Leak,
    MappedFile,
    Snapshot,
    TempFile,
)

Explain = Callable[[Iterable[Item]], Mapping[Item, Cause]]
NOTHING: Mapping[Item, Cause] = {}
DRAWN = "[a-z0-9_]{8}"  # by tempfile
TEMPORARY = rf"\b(tmp|pymp-|mp-|psm_){DRAWN}(?![a-z0-9_])", r"\1*"
SEMAPHORE = r"\bsem\.\w+", "sem.*"
HEX = r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b", "*"
NUMBERS = r"0x[0-9a-f]+|\d+", "*"
SIZES = r"-?\d[\d.,]* (?:[KMG]?B|blocks?)\b", "*"  # as `sizes.human` writes them
VARYING = (
    (rf"((?:/var)?/tmp/[^/\s]*?){DRAWN}(?=[./\s]|$)", r"\1*"),
    TEMPORARY,
    SEMAPHORE,
    (r"(?<![\w.])(?:[A-Za-z]:)?(?:[/\\][^/\\\s]+)*[/\\](?=[^/\\\s])", ""),  # folders
    HEX,
    SIZES,
    NUMBERS,
    (r"\bpython[*.]*", "python"),
)


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


def leaks(
    meter: str, items: Iterable[Item], runs: int = 1, causes: Mapping[Item, Cause] = NOTHING
) -> Iterator[Leak]:
    """Return one `Leak` for each name and place of origin, most of them first.

    What keeps the first of them that is known to be kept stands for all. Names that differ are told
    as what they have in common.
    """
    groups: dict[Hashable, list[tuple[Item, Cause]]] = {}
    for item in outermost(items):
        cause = causes.get(item, UNKNOWN)
        key = alike(item.what), cause.opened_at[:1]
        groups.setdefault(key, []).append((item, cause))
    for group in sorted(groups.values(), key=len, reverse=True):
        (_, cause), count = group[0], len(group)
        what = shared_name([item.what for item, _ in group])
        kept_by = next((each.kept_by for _, each in group if each.kept_by), ())
        rate = sum(item.size if isinstance(item, MappedFile) else 1 for item, _ in group) / runs
        yield leak(meter, what, count, rate, cause._replace(kept_by=kept_by))


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


def leak(meter: str, what: str, count: int, per_run: float, cause: Cause = UNKNOWN) -> Leak:
    """Return a `Leak` with its fingerprint, its name such that any encoding can write it.

    A path may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
    """
    what = what.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    name = fingerprint(meter, what, cause.place)
    return Leak(meter, what, count, per_run, cause.opened_at, cause.kept_by, name)


def tally(names: Iterable[str]) -> Counter[str]:
    """Count names, those that differ in numbers alone under the first of them."""
    first: dict[str, str] = {}
    return Counter(first.setdefault(alike(name), name) for name in names)


def shared_name(names: Sequence[str]) -> str:
    """Return names that are alike as one, with ``*`` for the numbers in which they differ."""
    parts = [re.split(f"({NUMBERS[0]})", name) for name in names]
    if len({tuple(each[::2]) for each in parts}) > 1:  # what `tempfile` drew
        return alike(names[0])
    return "".join(each[0] if len(set(each)) == 1 else "*" for each in zip(*parts, strict=True))


def alike(what: str) -> str:
    """Return a name with ``*`` for its numbers (ids, addresses) and what `tempfile` draws."""
    for pattern, instead in (TEMPORARY, SEMAPHORE, HEX, NUMBERS):
        what = re.sub(pattern, instead, what)
    return what


def fingerprint(meter: str, what: str, place: str = "") -> str:
    """Return a name for the leak that is the same in the next run of the suite, anywhere.

    Folders differ from machine to machine and are left out, as are numbers, what `tempfile` draws,
    and an interpreter's version.
    """
    stable = what
    for pattern, instead in VARYING:
        stable = re.sub(pattern, instead, stable)
    named = f"{meter}\n{stable}\n{place}".encode(errors="replace")
    return hashlib.sha256(named).hexdigest()[:16]


def unexplained(_: Iterable[Item]) -> Mapping[Item, Cause]:
    """Know no causes."""
    return NOTHING


def between(
    before: Snapshot, after: Snapshot, rules: Iterable[Rule] = (), explain: Explain = unexplained
) -> list[Leak]:
    """Return what appeared between two snapshots and is still there.

    Things are judged exactly. Bytes are not: one pass cannot tell a first use from a leak, so
    they are for `assert_no_growth`, or for a guard with a tolerance.
    """
    rules = tuple(rules)
    came = {meter: lingering(before, after, meter, rules) for meter in after.readings}
    causes = explain(item for items in came.values() for item in items)
    return [leak for meter, items in came.items() for leak in leaks(meter, items, 1, causes)]
