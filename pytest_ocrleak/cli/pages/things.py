"""Descriptors, mappings, threads and children as tables: alike ones in one row, odd ones first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from pytest_ocrleak.cli.pages.tables import Column, Row, Table
from pytest_ocrleak.cli.pages.times import duration
from pytest_ocrleak.cli.pages.words import listed, percent, times
from pytest_ocrleak.cli.process import naming, odd
from pytest_ocrleak.cli.process.holdings import Child, Holdings, Mapped, Open, Task
from pytest_ocrleak.cli.process.naming import Name
from pytest_ocrleak.sizes import human

SHOWN = 16  # rows of a table
SMALL = 1 << 20  # bytes of a mapping below which it is no row
LARGEST = 3  # sizes of areas that are told
ODD = ("deleted", "CLOSE_WAIT")  # states of descriptors, the oddest last
STATES = {"R": "running", "D": "in uninterruptible sleep", "T": "stopped", "t": "traced"}
Thing = TypeVar("Thing", Open, Mapped, Task, Child)


def descriptors(held: Holdings) -> Table:
    """Return the open descriptors by name, the odd ones first."""
    names = list(naming.of_descriptors(held.descriptors))
    groups = grouped(names, held.descriptors)
    ordered = sorted(groups.items(), key=lambda group: (-oddness(group[0]), -len(group[1])))
    rows = [descriptor_row(name, found) for name, found in ordered]
    soft = held.limit.soft
    used = f"{len(held.descriptors):,}"
    limit = f" of {soft:,} ({percent(len(held.descriptors), soft)})" if soft else ""
    kinds = (
        Column("count", "right"),
        Column("kind"),
        Column("state", spare=True),
        Column("on disk", "right", spare=True),
        Column("what", elastic=True),
        Column("numbers", wide=True),
    )
    return cut(f"Descriptors: {used}{limit}", kinds, rows)


def oddness(name: Name) -> int:
    """Return how far up a descriptor belongs."""
    return ODD.index(name.state) + 1 if name.state in ODD else 0


def descriptor_row(name: Name, found: Sequence[Open]) -> Row:
    """Return one row of descriptors."""
    size = odd.on_disk(found)
    often = len(found) >= odd.SAME and name.kind == "file" and not name.what.endswith("/*")
    numbers = [each.number for each in found]
    cells = (times(len(found)), name.kind, name.state, human(size) if size else "", name.what)
    return Row((*cells, listed(numbers)), "odd" if name.state in ODD or often else "")


def mappings(held: Holdings) -> Table:
    """Return the mapped files and memory: deleted files first, then the largest."""
    groups = grouped(map(naming.of_mapping, held.mappings), held.mappings)
    known = sorted(groups.items(), key=lambda group: (not group[0].state, -weight(group[1])))
    big = [(name, found) for name, found in known if name.state or weight(found) >= SMALL]
    rows = [mapping_row(name, found) for name, found in big]
    kinds = (
        Column("resident", "right"),
        Column("mapped", "right", spare=True),
        Column("areas", "right", spare=True),
        Column("kind", spare=True),
        Column("state"),
        Column("what", elastic=True),
        Column("largest areas", wide=True),
    )
    small = len(known) - len(big)
    below = (f"{small:,} more below {human(SMALL)}",) if small else ()
    size = human(sum(mapping.size for mapping in held.mappings))
    return cut(f"Mappings: {size} of address space", kinds, rows, below)


def weight(found: Iterable[Mapped]) -> int:
    """Return the bytes by which mappings are sorted: the resident ones, where they are known."""
    return sum(mapping.resident or mapping.size // 1024 for mapping in found)


def mapping_row(name: Name, found: Sequence[Mapped]) -> Row:
    """Return one row of mappings."""
    sums = (sum(each.resident for each in found), sum(each.size for each in found))
    areas = sum(each.areas for each in found)
    largest = "" if found[0].path else largest_areas(found)
    cells = (*map(human, sums), f"{areas:,}", name.kind, name.state, name.what, largest)
    return Row(cells, "odd" if name.state else "")


def largest_areas(found: Iterable[Mapped]) -> str:
    """Return the sizes of the largest areas, and how many of each there are."""
    by_size = sorted(found, key=lambda each: -each.size // each.areas)[:LARGEST]
    return ", ".join(f"{each.areas:,} × {human(each.size / each.areas)}" for each in by_size)


def threads(held: Holdings) -> Table:
    """Return the threads by name, the most first."""
    groups = grouped(map(naming.of_thread, held.threads), held.threads)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    kinds = (
        Column("count", "right"),
        Column("name", elastic=True),
        Column("CPU time", "right"),
        Column("newest", "right"),
        Column("state"),
        Column("ids"),
    )
    rows = [thread_row(name, found, held.taken) for name, found in ordered]
    return cut(f"Threads: {len(held.threads):,}", kinds, rows)


def thread_row(name: Name, found: Sequence[Task], now: float) -> Row:
    """Return one row of threads."""
    newest = duration(now - max(each.started for each in found))
    states = Counter(STATES[each.state] for each in found if each.state in STATES)
    told = ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    cpu = f"{sum(each.cpu for each in found):,.2f} s"
    ids = listed([each.tid for each in found])
    called = name.what if len({each.name for each in found}) > 1 else found[0].name
    cells = (times(len(found)), called, cpu, f"{newest} ago", told, ids)
    return Row(cells, "odd" if len(found) >= odd.CROWD else "")


def children(held: Holdings) -> Sequence[Table]:
    """Return the children by command line, zombies first; no table where there are none."""
    if not held.children:
        return ()
    groups = grouped(map(naming.of_child, held.children), held.children)
    ordered = sorted(
        groups.items(), key=lambda group: (-(group[0].kind == "zombie"), -len(group[1]))
    )
    kinds = (
        Column("count", "right"),
        Column("kind"),
        Column("command", elastic=True),
        Column("resident", "right"),
        Column("newest", "right"),
        Column("ids"),
    )
    rows = [child_row(name, found, held.taken) for name, found in ordered]
    return (cut(f"Children and theirs: {len(held.children):,}", kinds, rows),)


def child_row(name: Name, found: Sequence[Child], now: float) -> Row:
    """Return one row of children."""
    newest = duration(now - max(each.started for each in found))
    size = sum(each.resident for each in found)
    ids = listed([each.pid for each in found])
    cells = (
        times(len(found)),
        name.kind,
        name.what,
        human(size) if size else "",
        f"{newest} ago",
        ids,
    )
    return Row(cells, "odd" if name.kind == "zombie" else "")


def grouped(names: Iterable[Name], things: Sequence[Thing]) -> dict[Name, list[Thing]]:
    """Return things by the names under which they are shown."""
    every = list(names)
    shown = naming.folded(every)
    groups: defaultdict[Name, list[Thing]] = defaultdict(list)
    for name, thing in zip(every, things, strict=True):
        groups[shown[name]].append(thing)
    return groups


def cut(
    title: str, kinds: tuple[Column, ...], rows: Sequence[Row], below: tuple[str, ...] = ()
) -> Table:
    """Return a table of the first rows, and how many more there are."""
    more = (f"{len(rows) - SHOWN:,} more rows: --json has all",) if len(rows) > SHOWN else ()
    return Table(title, kinds, tuple(rows[:SHOWN]), (*more, *below))
