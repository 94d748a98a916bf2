"""What a report says of leaks and figures, in few words."""

from collections.abc import Iterable

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.outcome import place
from pytest_ocrleak.report import text
from pytest_ocrleak.report.page.reading import Check
from pytest_ocrleak.sizes import human
from pytest_ocrleak.verdict import Growth

NAMED = 5  # places that a list tells
UNDECIDED = (
    "Neither clean nor a leak, and what would tell. "
    "A check counts as inconclusive only where no other meter saw a leak."
)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Return names as a list."""
    return ", ".join(names)


def exact(meter: str) -> bool:
    """Tell whether a meter reads things, which are counted."""
    return meter not in METERS or METERS[meter].exact


def amount(check: Check, leak: Leak) -> str:
    """Return how much leaked: a count of things or bytes, and how much of it a run."""
    if not exact(leak.meter):
        unit = check.meters[leak.meter].unit if leak.meter in check.meters else "B"
        return f"{human(leak.per_run, unit)}{' per run' if check.runs > 1 else ''}"
    each = f" · {leak.per_run:.3g} per run" if check.runs > 1 else ""
    return f"×{leak.count:,}{each}"


def beside(check: Check, leak: Leak) -> str:
    """Return how much leaked, to be told beside its name; nothing where that says so."""
    told = amount(check, leak)
    return "" if told in leak.what else told


def title(check: Check) -> str:
    """Return the name of what was checked; that of a fixture with its scope."""
    if check.kind == "test":
        return check.nodeid or check.name
    scope = f" ({check.scope})" if check.scope else ""
    return f"{check.kind} {check.name}{scope}".strip()


def where(check: Check) -> str:
    """Return the test that it was checked in, or the class or module of a wider fixture."""
    test = "" if check.kind == "test" else place(check.nodeid, check.scope)
    number = f"environment {check.environment}" if check.environment else ""
    return " · ".join(filter(None, (test, number)))


def cells(name: str, growth: Growth) -> tuple[str, str, str]:
    """Return the one-time part of a meter's growth, that per run, and the resolution."""
    if not growth.series:
        return "–", "–", "–"
    one_time, per_run = human(growth.one_time, growth.unit), human(growth.per_run, growth.unit)
    return one_time, per_run, text.fineness(growth, exact=name in METERS and exact(name))


def verdict(growth: Growth) -> str:
    """Return a meter's verdict with the reason."""
    return f"{growth.verdict}: {growth.reason}" if growth.reason else growth.verdict


def fewer(names: Iterable[str], most: int = NAMED) -> str:
    """Return the first of some names, and how many more there are."""
    every = list(dict.fromkeys(filter(None, names)))
    more = f" … and {len(every) - most:,} more" if len(every) > most else ""
    return f"{listed(every[:most])}{more}"
