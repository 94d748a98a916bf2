"""Change as tables, as lines and as plain data."""

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_ocrleak.cli.pages.tables import Column, Page, Row, Table, Tone, beside, lines
from pytest_ocrleak.cli.pages.times import clock, duration, stamp
from pytest_ocrleak.cli.pages.words import plural
from pytest_ocrleak.cli.process.history import SOON, History, Pace, course, more, paces, unit
from pytest_ocrleak.cli.process.holdings import Holdings
from pytest_ocrleak.cli.process.naming import Name
from pytest_ocrleak.sizes import human

HIGH = 50  # lines where no terminal sets an end
ELSEWHERE = 19  # lines of `watch` beside the names that appeared or went
SECOND, FEWEST = 4, 3  # lines of a second table beside its names; names that a table tells at least
COURSE = 24  # readings in the column that shows their course
MAIN = ("fds", "threads", "processes", "maps", "rss", "gpu")
NAMES = (
    Column("change", "right"),
    Column("meter"),
    Column("kind", spare=True),
    Column("state", spare=True),
    Column("what", elastic=True),
)


def page(history: History, height: int = HIGH) -> Page:
    """Return what `watch` shows on a terminal of so many lines."""
    start, now = history.start.held, history.now.held
    who = now.process
    watched = f"watched for {duration(history.seconds)}, since {clock(start.taken)}"
    head = lines(f"Process {who.pid}, {who.name}, {watched}", who.command)
    return (head, *beside(meters(history), *names(start, now, height - ELSEWHERE)))


def two(history: History) -> Page:
    """Return what `diff` shows of two looks."""
    start, now = history.start.held, history.now.held
    who, then = now.process, start.process
    later = f"{duration(history.seconds)} later"
    against = later if history.same_process else f"against process {then.pid}, {then.name}"
    head = lines(f"Process {who.pid}, {who.name}, {against}", who.command)
    found = tuple(names(start, now))
    nothing = () if found else (lines("Appeared, went", "nothing"),)
    return (head, *beside(figures(history), *found), *nothing)


def figures(history: History) -> Table:
    """Return a row for each meter, before and after."""
    kinds = (Column("meter"), *(Column(each, "right") for each in ("was", "now", "change")))
    minute = Column("growth per minute", "right", spare=True)
    rows = [
        Row((name, human(pace.now - pace.change, unit(name)), *meter_cells(name, pace)[1:]))
        for name, pace in paces(history).items()
    ]
    return Table("What it holds", (*kinds, minute), tuple(rows))


def meters(history: History) -> Table:
    """Return a row for each meter."""
    kinds = (
        Column("meter"),
        Column("now", "right"),
        Column("change", "right"),
        Column("growth per minute", "right"),
        Column("lately", spare=True),
    )
    rows = [
        Row(
            (*meter_cells(name, pace), course(values(history, name), COURSE)),
            "odd" if pace.change > 0 and unit(name) != "B" else "",
        )
        for name, pace in paces(history).items()
    ]
    early = (f"growth per minute is told from {SOON:.0f} s on",) if history.seconds < SOON else ()
    return Table("What it holds", kinds, tuple(rows), early)


def meter_cells(name: str, pace: Pace) -> tuple[str, str, str, str]:
    """Return a meter's name and figures."""
    pace_told = "" if pace.per_minute is None else signed(pace.per_minute, name)
    return name, human(pace.now, unit(name)), signed(pace.change, name), pace_told


def values(history: History, meter: str) -> list[float]:
    """Return the latest figures of a meter."""
    return [reading.figures.get(meter, 0) for reading in history.latest]


def signed(amount: float, meter: str) -> str:
    """Return a change with its sign, and nothing to see where there is none."""
    return f"{'+' if amount > 0 else ''}{human(amount, unit(meter))}" if amount else "0"


def names(before: Holdings, after: Holdings, room: int = HIGH) -> Iterator[Table]:
    """Yield a table of what appeared and one of what went; none that would be empty.

    Together they have room for so many names.
    """
    came, went = more(before, after), more(after, before)
    shown = max(FEWEST, (room - SECOND) // 2 if came and went else room)
    if came:
        yield named("Appeared, and still there", came, "odd", shown)
    if went:
        yield named("Went", {name: -count for name, count in went.items()}, "dim", shown)


def named(title: str, found: Mapping[Name, int], tone: Tone, shown: int) -> Table:
    """Return a table of names with their changes."""
    rows = [
        Row((signed(count, name.meter), name.meter, name.kind, name.state, name.what), tone)
        for name, count in found.items()
    ]
    hidden = len(rows) - shown
    below = (f"and {hidden:,} more",) if hidden > 0 else ()
    return Table(f"{title}: {plural(len(rows), 'name')}", NAMES, tuple(rows[:shown]), below)


def line(history: History) -> str:
    """Return a reading as one line: the main figures with their change since the start."""
    return f"{clock(history.now.held.taken)}  {'  '.join(told(history))}"


def told(history: History) -> Iterator[str]:
    """Yield the main figures, each with its change since the start where there is one."""
    for name, pace in paces(history).items():
        if name in MAIN:
            change = f" ({signed(pace.change, name)})" if pace.change else ""
            yield f"{name} {human(pace.now, unit(name))}{change}"


def steps(before: Holdings, after: Holdings) -> Iterator[str]:
    """Yield a line for each name that came or went between two readings."""
    for sign, found in ((1, more(before, after)), (-1, more(after, before))):
        for name, count in found.items():
            words = (part for part in (name.state, name.kind, name.what) if part)
            yield f"          {signed(sign * count, name.meter)} {name.meter}: {' '.join(words)}"


def ending(history: History) -> str:
    """Return the sentence on a process that ended while it was watched."""
    who = history.start.held.process
    return (
        f"process {who.pid} ({who.name}) ended, watched for {duration(history.seconds)};"
        f" it last had {', '.join(told(history))}"
    )


def as_data(history: History) -> dict[str, Any]:
    """Return a reading as plain data: figures since the start, names since the reading before."""
    now = history.now.held
    before = history.latest[-2].held if len(history.latest) > 1 else now
    return {
        "pid": now.process.pid,
        "taken": stamp(now.taken),
        "seconds": round(history.seconds, 3),
        **compared(history, before),
    }


def compared(history: History, before: Holdings) -> dict[str, Any]:
    """Return the figures, and what came and went since ``before``."""
    now = history.now.held
    return {
        "meters": {
            name: {**pace._asdict(), "unit": unit(name)} for name, pace in paces(history).items()
        },
        "appeared": [entry(name, count) for name, count in more(before, now).items()],
        "went": [entry(name, count) for name, count in more(now, before).items()],
    }


def entry(name: Name, count: int) -> dict[str, Any]:
    """Return a name with how much of it came or went: things, or bytes of mappings."""
    return {**name._asdict(), "count": count}
