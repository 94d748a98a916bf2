"""What the page shows of leaks: one card a fixture or test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.report import text
from pytest_ocrleak.report.hints import hints
from pytest_ocrleak.report.page.grouping import Found, Group
from pytest_ocrleak.report.page.reading import Check
from pytest_ocrleak.report.page.words import (
    amount,
    beside,
    cells,
    exact,
    fewer,
    listed,
    plural,
    title,
    where,
)
from pytest_ocrleak.report.tally import REPEATED
from pytest_ocrleak.sizes import human
from pytest_ocrleak.verdict import Growth

LEAKS = 20  # of a group that are told
CHIPS = 4  # leaks that a closed card names
GROWN = 3  # repeated checks of a group that are told
GROWS = ("leak", "inconclusive")
ALLOCATED = 60  # lines of stacks that allocate


@dataclass(frozen=True, slots=True)
class Entry:
    """A leak in a card: how much, what made it, and the checks it was found in."""

    leak: Leak
    amount: str
    origin: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A leak in two words."""

    meter: str
    amount: str


@dataclass(frozen=True, slots=True)
class Row:
    """A meter's line in a table of growth."""

    name: str
    growth: Growth
    cells: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Plot:
    """The two pictures of a leaking meter."""

    meter: str
    rates: str
    course: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what resident memory grew by."""

    name: str
    size: str
    colour: str


@dataclass(frozen=True, slots=True)
class Resident:
    """What resident memory grew by, as a picture with its legend."""

    total: str
    parts: tuple[Part, ...]
    picture: str


@dataclass(frozen=True, slots=True)
class Grown:
    """A check's growth by meter; by verdict the names of the ``others``, which do not grow."""

    name: str
    runs: str
    rows: tuple[Row, ...]
    others: Mapping[str, str]
    allocations: Mapping[str, Sequence[str]]
    check: Check
    plots: tuple[Plot, ...] = ()
    resident: Resident | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A fixture's or a test's leaks."""

    anchor: str
    group: Group
    opened: bool
    where: str
    leaks: tuple[Entry, ...]
    more_leaks: int
    chips: tuple[Chip, ...]
    advice: tuple[str, ...]
    grown: tuple[Grown, ...] = field(default=())

    @property
    def name(self) -> str:
        """The fixture's or test's name, without the word that stands before it."""
        return self.group.name.removeprefix(f"{self.group.kind} ")

    @property
    def more_chips(self) -> int:
        """How many leaks the closed card does not name."""
        return len(self.group.found) - len(self.chips)


def card(number: int, group: Group, *, opened: bool) -> Card:
    """Return a group's card, its pictures aside."""
    found, checks = group.found, group.checks
    return Card(
        f"leak-{number}",
        group,
        opened,
        places(group, checks),
        tuple(entry(group, one) for one in found[:LEAKS]),
        max(0, len(found) - LEAKS),
        tuple(Chip(one.leak.meter, short(one)) for one in found[:CHIPS]),
        tuple(advice(found[0])) if group.fails else (),
        tuple(map(grown, told(checks))),
    )


def entry(group: Group, one: Found) -> Entry:
    """Return a leak of a card, and in which checks it was found where the card has several."""
    many = f"{len(one.checks):,} checks: " if len(one.checks) > 1 else ""
    found_in = f"{many}{places(group, one.checks)}" if len(group.checks) > 1 else ""
    return Entry(one.leak, beside(one.check, one.leak), tuple(text.origin(one.leak)), found_in)


def places(group: Group, checks: Sequence[Check]) -> str:
    """Return where a fixture was checked, or what of a test was."""
    if group.kind == "fixture":
        return fewer(map(where, checks))
    named = (title(check) if check.kind != "test" else "" for check in checks)
    ran = (f"environment {check.environment}" if check.environment else "" for check in checks)
    return " · ".join(filter(None, (fewer(named), fewer(ran))))


def short(one: Found) -> str:
    """Return how much leaked, in fewer words."""
    return amount(one.check, one.leak).partition(" · ")[0].replace(" per run", "/run")


def advice(one: Found) -> Iterator[str]:
    """Return what to do about a leak."""
    if exact(one.leak.meter) or one.leak.meter in one.check.meters:
        yield from hints(replace(one.check, leaks=(one.leak,)))


def told(checks: Sequence[Check]) -> list[Check]:
    """Return the checks of a group whose growth is told: the first of each kind and name."""
    first: dict[tuple[str, str], Check] = {}
    for check in checks:
        first.setdefault((check.kind, check.name), check)
    return [check for check in first.values() if worth(check)][:GROWN]


def worth(check: Check) -> bool:
    """Tell whether there is more to tell of a check than its leaks."""
    return check.runs >= REPEATED or bool(check.allocations) or leaks_memory(check)


def leaks_memory(check: Check) -> bool:
    """Tell whether bytes leak."""
    return any(not exact(leak.meter) for leak in check.leaks)


def grown(check: Check) -> Grown:
    """Return a check's growth."""
    name = "" if check.kind == "test" else title(check)
    rows = (Row(name, each, cells(name, each)) for name, each in check.meters.items())
    others: dict[str, list[str]] = {}
    for meter, growth in check.meters.items():
        if growth.verdict not in GROWS:
            others.setdefault(str(growth.verdict), []).append(meter)
    return Grown(
        name,
        plural(check.runs, "run"),
        tuple(row for row in rows if row.growth.verdict in GROWS),
        {verdict: listed(names) for verdict, names in others.items()},
        {name: lines[:ALLOCATED] for name, lines in check.allocations.items()},
        check,
    )


def parts(check: Check) -> dict[str, float]:
    """Return what resident memory grew by where that is worth a picture, the largest first."""
    every = check.meters["rss"].parts if "rss" in check.meters else {}
    large = {name: size for name, size in every.items() if abs(size) >= text.WORTH}
    return dict(sorted(large.items(), key=lambda each: -abs(each[1])))


def total(check: Check) -> str:
    """Return how much resident memory grew by."""
    return human(sum(check.meters["rss"].parts.values()))
