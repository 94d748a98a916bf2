"""A report's document as values, whatever version wrote it.

What is missing is empty, and what is no number counts as 0: a report is for reading, and one odd
figure must not hide the others. Every text is one printable line: names are other people's, and a
newline or a mark of writing direction would forge what stands beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pytest_ocrleak import outcome
from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.verdict import Growth, Verdict

LONGEST = 1000  # characters of a name that are told
HUGE = 1e18  # no figure is told larger: sums stay numbers
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check(outcome.Check):
    """A check in a report, with the number of the environment that it ran in, where many did."""

    environment: int = 0


@dataclass(frozen=True, slots=True)
class Environment:
    """What figures depend on; by meter where it is read, or the reason why it is not."""

    python: str = ""
    platform: str = ""
    allocator: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its checks, where they ran, and what was told of the whole session.

    ``untold`` are the clean checks that were only counted; ``reports`` the files that were merged.
    """

    checks: tuple[Check, ...]
    untold: int = 0
    environments: tuple[Environment, ...] = (Environment(),)
    notes: tuple[str, ...] = ()
    partial: str = ""
    created: str = ""
    tool: str = ""
    reports: tuple[str, ...] = ()


def report(document: Data) -> Report:
    """Return a document as values."""
    several = [environment(mapping(each)) for each in sequence(document.get("environments"))]
    first = environment(mapping(document.get("environment")))
    notes = (line for note in sequence(document.get("notes")) for line in str(note).splitlines())
    tool = mapping(document.get("tool"))
    every = sequence(document.get("checks"))
    counted = whole(mapping(document.get("summary")).get("checked"))
    return Report(
        tuple(check(mapping(each), many=len(several) > 1) for each in every),
        max(0, counted - len(every)),
        tuple(several) or (first,),
        tuple(map(line, notes)),
        line(document.get("partial")),
        line(document.get("created")),
        " ".join(filter(None, (line(tool.get("name")), line(tool.get("version"))))),
        lines(document.get("reports")),
    )


def environment(data: Data) -> Environment:
    """Return an environment."""
    meters = {line(name): mapping(each) for name, each in mapping(data.get("meters")).items()}
    readable = {name for name, each in meters.items() if each.get("available")}
    return Environment(
        line(data.get("python")),
        line(data.get("platform")),
        line(data.get("allocator")),
        {name: line(meters[name].get("source")) for name in meters if name in readable},
        {name: line(meters[name].get("reason")) for name in meters if name not in readable},
    )


def check(data: Data, *, many: bool = False) -> Check:
    """Return a check, which ran in one of ``many`` environments."""
    return Check(
        cast("outcome.Kind", line(data.get("kind"))),
        line(data.get("name")),
        whole(data.get("runs")),
        {line(name): growth(mapping(m)) for name, m in mapping(data.get("meters")).items()},
        tuple(leak(mapping(each)) for each in sequence(data.get("leaks"))),
        line(data.get("nodeid")),
        line(data.get("scope")),
        {line(n): lines(each) for n, each in mapping(data.get("allocations")).items()},
        whole(data.get("environment")) + 1 if many else 0,
    )


def growth(data: Data) -> Growth:
    """Return what one meter said."""
    return Growth(
        cast("Verdict", line(data.get("verdict"))),
        number(data.get("per_run")),
        number(data.get("low")),
        number(data.get("high")),
        number(data.get("resolution")),
        number(data.get("one_time")),
        series=tuple(map(number, sequence(data.get("series")))),
        unit=line(data.get("unit", "B")),
        reason=line(data.get("reason")),
        parts={line(name): number(part) for name, part in mapping(data.get("parts")).items()},
        accepted=number(data.get("accepted")),
        batches=tuple(map(whole, sequence(data.get("batches")))),
    )


def leak(data: Data) -> Leak:
    """Return a leak."""
    return Leak(
        line(data.get("meter")),
        line(data.get("what")),
        whole(data.get("count")),
        number(data.get("per_run")),
        lines(data.get("opened_at")),
        lines(data.get("kept_by")),
        line(data.get("fingerprint")),
        known=bool(data.get("known")),
        remark=line(data.get("remark")),
    )


def mapping(value: object) -> Data:
    """Return what is a mapping, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """Return what is a list, an empty one for anything else."""
    return value if isinstance(value, (list, tuple)) else ()


def lines(value: object) -> tuple[str, ...]:
    """Return a list of texts, each as one line."""
    return tuple(map(line, sequence(value)))


def line(value: object) -> str:
    """Return a text as one printable line, nothing where there is none."""
    told = "" if value is None else shortened(str(value), LONGEST)
    return told if told.isprintable() else shortened("".join(map(escaped, told)), LONGEST)


def escaped(char: str) -> str:
    r"""Return a character, or its escape where it is not printable: ``\n`` say."""
    return char if char.isprintable() else repr(char)[1:-1]


def shortened(text: str, room: int) -> str:
    """Return a text of ``room`` characters at most, its middle left out where it is longer."""
    if len(text) <= room:
        return text
    head = (room - 1) // 3
    return f"{text[:head]}…{text[head + 1 - room :]}"


def number(value: object) -> float:
    """Return a number, 0 for what is none, and no infinite one."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return HUGE
    except (TypeError, ValueError):
        return 0.0
    return max(-HUGE, min(HUGE, found)) if found == found else 0.0  # noqa: PLR0124 - NaN is not


def whole(value: object) -> int:
    """Return a whole number."""
    return int(number(value))


def leaking(report: Report) -> Iterator[Check]:
    """Yield the checks that leak, those with new leaks first."""
    for known in (False, True):
        for each in report.checks:
            if each.leaks and all(one.known for one in each.leaks) is known:
                yield each
