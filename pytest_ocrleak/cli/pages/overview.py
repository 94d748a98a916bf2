"""What a process holds, as tables: what is odd first, what is alike in one row."""

from collections.abc import Sequence

from pytest_ocrleak.cli.pages import things
from pytest_ocrleak.cli.pages.tables import Beside, Column, Lines, Page, Row, Table, beside, lines
from pytest_ocrleak.cli.pages.times import duration
from pytest_ocrleak.cli.pages.words import bar, percent
from pytest_ocrleak.cli.process import odd
from pytest_ocrleak.cli.process.holdings import Holdings
from pytest_ocrleak.sizes import human


def page(held: Holdings) -> Page:
    """Return all that `inspect` shows."""
    return (
        head(held),
        Beside(sights(held), memory(held)),
        things.descriptors(held),
        things.mappings(held),
        *beside(things.threads(held), *things.children(held)),
    )


def head(held: Holdings) -> Lines:
    """Return who the process is."""
    who = held.process
    age = duration(held.taken - who.started)
    title = f"Process {who.pid}, {who.name}, of user {who.user}, running for {age}"
    return lines(title, who.command)


def sights(held: Holdings) -> Lines:
    """Return what looks odd."""
    found = odd.sights(held)
    if found:
        return lines("What looks odd", *found, tone="odd")
    return lines("What looks odd", "nothing at first sight", tone="good")


def memory(held: Holdings) -> Table:
    """Return what resident memory is made of."""
    found = held.memory
    rows = (
        Row((name, human(size), percent(size, found.resident), bar(size, found.resident)))
        for name, size in found.parts.items()
        if size
    )
    figures = (Column("resident", "right"), Column("share", "right"), Column("", spare=True))
    title = f"Resident memory: {human(found.resident)}"
    return Table(title, (Column("made of"), *figures), tuple(rows), (*shares(held), on_gpus(held)))


def shares(held: Holdings) -> Sequence[str]:
    """Return what of the memory is the process's alone."""
    found = held.memory
    if not found.pss:
        return ()
    return (
        f"Uss {human(found.uss)}: its own, free when it ends",
        f"Pss {human(found.pss)}: with its share of what others map too",
        f"swap {human(found.swap)}",
    )


def on_gpus(held: Holdings) -> str:
    """Return GPU memory in one line, device by device, or why it cannot be told."""
    found = held.gpu
    if found.reason:
        return f"GPU memory: unavailable ({found.reason})"
    each = ", ".join(f"{uuid} {human(size)}" for uuid, size in found.devices.items())
    return f"GPU memory: {human(found.used)}{f' ({each})' if each else ''}"
