"""Several reports as one: of shards, of reruns, of several machines.

A check is the same in two reports where its environment, test, kind, scope and name are, and its
number among such in each, as one test may make one guard several times. Then one of the two counts.
A leak counts before everything: what was seen to leak stays red, however often it is tried again. A
clean verdict counts before an inconclusive one, which it settles; and among equals the later one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pytest_ocrleak.report.tally import Tally

Plain = Mapping[str, Any]  # a report, or a part of one, as JSON has it
Key = tuple[int, str, str, str, str, int]

EARLIEST = datetime.min.replace(tzinfo=UTC)  # of reports that do not say when they were written
MADE = ("environment", "environments", "reports", "partial", "notes", "checks", "summary")


class Given(NamedTuple):
    """A report, and the name that people know it by."""

    name: str
    report: Plain


class Made(NamedTuple):
    """One making of a check, and when its report was written."""

    check: Plain
    created: datetime


class Merged(NamedTuple):
    """One report made of several.

    ``repeated`` is the number of checks that several of them had; ``leaked`` of those that leaked
    in one and not in all; ``settled`` of those that were inconclusive in one and clean in another.
    """

    report: dict[str, Any]
    repeated: int
    leaked: int
    settled: int


def merge(given: Sequence[Given], tool: Plain) -> Merged:
    """Return one report of one or more."""
    environments = distinct(each for one in given for each in environments_of(one.report))
    found = makings(given, environments)
    several = len(environments) > 1
    checks = [placed(counting(made), key[0], several=several) for key, made in found.items()]
    repeated = [[each.check["verdict"] for each in made] for made in found.values() if made[1:]]
    return Merged(
        {
            **head(given, tool),
            "environment": environments[0],
            **({"environments": environments} if several else {}),
            **origins(given),
            **additions(given),
            "checks": checks,
            "summary": summary(checks),
        },
        repeated=len(repeated),
        leaked=sum("leak" in each and len(set(each)) > 1 for each in repeated),
        settled=sum(set(each) == {"clean", "inconclusive"} for each in repeated),
    )


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return values without duplicates, in their order; they need not be hashable."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def environments_of(report: Plain) -> list[Any]:
    """Return where the checks of a report ran, by the indexes that they have."""
    return list(report.get("environments", [report["environment"]]))


def makings(given: Iterable[Given], environments: Sequence[Any]) -> dict[Key, list[Made]]:
    """Return each check as often as it was made, in the order in which they come first."""
    found: dict[Key, list[Made]] = {}
    for one in given:
        created = moment(one.report)
        for key, check in keyed(one.report, environments):
            found.setdefault(key, []).append(Made(check, created))
    return found


def moment(report: Plain) -> datetime:
    """Return when a report was written."""
    if "created" not in report:
        return EARLIEST
    told = datetime.fromisoformat(report["created"])
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def keyed(report: Plain, environments: Sequence[Any]) -> Iterator[tuple[Key, Plain]]:
    """Yield the checks of a report with what tells each from all others."""
    numbers = [environments.index(each) for each in environments_of(report)]
    seen: Counter[tuple[object, ...]] = Counter()
    for check in report["checks"]:
        number = numbers[check.get("environment", 0)]
        name = check["nodeid"], check["kind"], check.get("scope", ""), check["name"]
        yield (number, *name, seen[number, name]), check
        seen[number, name] += 1


def counting(made: Sequence[Made]) -> Plain:
    """Return the making that counts: the one with most weight, the latest of equals."""
    return max(reversed(made), key=lambda one: (weight(one.check), one.created)).check


def weight(check: Plain) -> int:
    """Return how much a check's verdict weighs against that of its other makings."""
    if fails(check):
        return 3
    return ("inconclusive", "clean", "leak").index(check["verdict"])


def fails(check: Plain) -> bool:
    """Tell whether a check leaks what is not known."""
    return not all(leak.get("known") for leak in check["leaks"])


def placed(check: Plain, environment: int, *, several: bool) -> dict[str, Any]:
    """Return a check with the index of its environment, where there are several."""
    rest = {name: value for name, value in check.items() if name != "environment"}
    return {"environment": environment, **rest} if several else rest


def head(given: Sequence[Given], tool: Plain) -> dict[str, Any]:
    """Return what a report begins with."""
    dated = [one.report for one in given if "created" in one.report]
    created = {"created": max(dated, key=moment)["created"]} if dated else {}
    return {"schema_version": given[0].report["schema_version"], "tool": dict(tool), **created}


def origins(given: Sequence[Given]) -> dict[str, Any]:
    """Return which reports these were, and what there is to say of them beside their checks."""
    reports = distinct(name for one in given for name in one.report.get("reports", [one.name]))
    several = len(reports) > 1
    reasons = distinct(reason(one, named=several) for one in given if "partial" in one.report)
    notes = distinct(note for one in given for note in one.report.get("notes", ()))
    return {
        **({"reports": reports} if several else {}),
        **({"partial": "; ".join(reasons)} if reasons else {}),
        **({"notes": notes} if notes else {}),
    }


def reason(one: Given, *, named: bool) -> str:
    """Return why a report is partial, with its name unless that is said already."""
    told = str(one.report["partial"])
    return f"{one.name}: {told}" if named and "reports" not in one.report else told


def additions(given: Iterable[Given]) -> dict[str, Any]:
    """Return what reports hold that is not known here, of each the first."""
    known = {"schema_version", "tool", "created", *MADE}
    found: dict[str, Any] = {}
    for one in given:
        for name, value in one.report.items():
            if name not in known:
                found.setdefault(name, value)
    return found


def summary(checks: Iterable[Plain]) -> dict[str, int]:
    """Return the counts of checks."""
    tally = Tally()
    for check in checks:
        tally.add(check)
    return tally.counts()
