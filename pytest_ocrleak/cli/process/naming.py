"""Names under which a process's things are counted: what is alike gets one name.

Two moments are compared by these names and their counts: that a file was closed and opened again
is nobody's leak.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pytest_ocrleak.cli.process.holdings import Child, Holdings, Mapped, Open, Task
from pytest_ocrleak.cli.process.proctext import PARTS

FEW = 4  # files of a folder that are told one by one
LISTEN, NO_ADDRESS = "LISTEN", "without an address"


class Name(NamedTuple):
    """What a thing is called: its kind, its name, and the state that sets it apart."""

    meter: str
    kind: str
    what: str
    state: str = ""


def of_all(held: Holdings) -> Counter[Name]:
    """Count everything by name; mappings by their bytes."""
    counts: Counter[Name] = Counter()
    counts.update(of_descriptors(held.descriptors))
    counts.update(map(of_thread, held.threads))
    counts.update(map(of_child, held.children))
    for mapping in held.mappings:
        counts[of_mapping(mapping)] += mapping.size
    return counts


def of_descriptors(every: Iterable[Open]) -> Iterator[Name]:
    """Yield each descriptor's name."""
    found = list(every)
    listening = {port(each.local) for each in found if each.state == LISTEN}
    for each in found:
        state = "deleted" if each.deleted else each.state
        yield Name("fds", each.kind, of_descriptor(each, listening), state)


def of_descriptor(found: Open, listening: set[str]) -> str:
    """Return a path or an address; nothing for what the kind says already."""
    if found.kind == "socket":
        return of_socket(found, listening)
    if found.kind == "memfd":
        return found.target.removeprefix("/memfd:")
    return found.target if found.target.startswith("/") else ""


def of_socket(found: Open, listening: set[str]) -> str:
    """Return both ends without what differs from connection to connection: the client's end."""
    if not found.target:
        return NO_ADDRESS
    if found.state == LISTEN or not found.remote:
        return f"{found.target} {found.local}".strip()
    if port(found.local) in listening:
        return f"{found.target} {found.local} ← clients"
    return f"{found.target} → {found.remote}"


def port(address: str) -> str:
    """Return the port of ``host:port``: a server may listen on all hosts and answer on one."""
    return address.rpartition(":")[2]


def of_thread(thread: Task) -> Name:
    """Return a thread's name without its numbers."""
    return Name("threads", "thread", re.sub(r"\d+", "*", thread.name))


def of_child(child: Child) -> Name:
    """Return a child's command line in one line, or that it ended unwaited for."""
    return Name("processes", "zombie" if child.zombie else "child", " ".join(child.command.split()))


def of_mapping(mapping: Mapped) -> Name:
    """Return a mapped file's path, or what memory without a file is for."""
    if not mapping.path:
        return Name("maps", "memory", PARTS.get(mapping.kind, mapping.kind))
    return Name("maps", mapping.kind, mapping.path, "deleted" if mapping.deleted else "")


def folded(names: Iterable[Name]) -> Mapping[Name, Name]:
    """Return the name under which each name is shown.

    Many files of a folder are shown as one, and many of one name in the folders of a folder.
    """
    every = set(names)
    crowds = Counter(crowd for name in every for crowd in crowds_of(name))
    return {
        name: next((crowd for crowd in crowds_of(name) if crowds[crowd] > FEW), name)
        for name in every
    }


def crowds_of(name: Name) -> Iterator[Name]:
    """Yield what a file may be shown as, if there are many; nothing for a library."""
    if not name.what.startswith("/") or name.kind in ("library", "device", "child", "zombie"):
        return
    folder, _, file = name.what.rpartition("/")
    above, _, _ = folder.rpartition("/")
    yield name._replace(what=f"{folder}/*")
    if folder:
        yield name._replace(what=f"{above}/*/{file}")


def summed(counts: Mapping[Name, int]) -> dict[Name, int]:
    """Return counts under the names that are shown, the largest first, meter by meter."""
    shown, sums = folded(counts), Counter[Name]()
    for name, count in counts.items():
        sums[shown[name]] += count
    return dict(sorted(sums.items(), key=lambda entry: (entry[0].meter, -entry[1], entry[0])))
