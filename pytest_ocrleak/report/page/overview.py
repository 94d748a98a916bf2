"""A report at a glance: the sentence to read first, the counts, and what each meter says."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.report.page.reading import Check, Report
from pytest_ocrleak.report.page.words import exact, fewer, listed, plural
from pytest_ocrleak.report.tally import REPEATED

Tone = Literal["leak", "open", "clean"]


@dataclass(frozen=True, slots=True)
class Overview:
    """How a session ended.

    ``leaking`` are the checks with a leak that is not known, which fail, ``meters`` those that saw
    it; ``known`` is the number of leaks that the baseline accepts, in ``accepting`` checks that
    leak nothing else. ``heap`` is the coarsest resolution of a clean heap in a repeated check.
    """

    checked: int
    clean: int
    leaking: int
    inconclusive: int
    known: int
    accepting: int
    meters: Mapping[str, int]
    unavailable: Mapping[str, str]
    heap: float | None
    partial: bool

    @property
    def tone(self) -> Tone:
        """Whether something is wrong, something is open, or nothing is."""
        if self.leaking:
            return "leak"
        return "open" if self.inconclusive or self.partial or not self.checked else "clean"

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        so_far = "So far " if self.partial else ""
        told = self.told
        return f"{so_far}{told}" if so_far else f"{told[:1].upper()}{told[1:]}"

    @property
    def told(self) -> str:
        """The verdict in words."""
        if not self.checked:
            return "nothing was checked"
        if self.leaking:
            leak = "leaks" if self.leaking == 1 else "leak"
            return f"{self.leaking:,} of {plural(self.checked, 'check')} {leak}"
        new = "new leak" if self.known else "leak"
        if self.inconclusive:
            return f"no {new}, but {plural(self.inconclusive, 'inconclusive check')}"
        if self.known:
            return f"no new leak: {plural(self.known, 'known leak')}"
        return (
            "the one check is clean"
            if self.checked == 1
            else f"all {self.checked:,} checks are clean"
        )

    @property
    def detail(self) -> str:
        """Which meters saw new leaks, and in how many checks where it is more than one."""
        many = (f"{name} ×{n:,}" if n > 1 else name for name, n in self.meters.items())
        return fewer(many, len(METERS))


@dataclass(frozen=True, slots=True)
class Row:
    """What a meter said in all checks: how often which verdict, and the coarsest clean one."""

    name: str
    verdicts: Mapping[str, int]
    resolution: float | None
    unit: str
    exact: bool
    source: str
    unavailable: str


def overview(report: Report) -> Overview:
    """Return a report at a glance."""
    verdicts = Counter(check.verdict for check in report.checks)
    failing = [each for each in report.checks if not all(leak.known for leak in each.leaks)]
    new = (leak.meter for each in failing for leak in once(each))
    return Overview(
        checked=len(report.checks) + report.untold,
        clean=verdicts["clean"] + report.untold,
        leaking=len(failing),
        inconclusive=verdicts["inconclusive"],
        known=sum(leak.known for each in report.checks for leak in each.leaks),
        accepting=verdicts["leak"] - len(failing),
        meters=dict(Counter(new).most_common()),
        unavailable=unavailable(report),
        heap=coarsest(report.checks, "heap"),
        partial=bool(report.partial),
    )


def once(check: Check) -> Iterable[Leak]:
    """Return a check's new leaks, one a meter."""
    return {leak.meter: leak for leak in check.leaks if not leak.known}.values()


def unavailable(report: Report) -> dict[str, str]:
    """Return the meters that could not be read, everywhere or at times, with the reasons."""
    found: dict[str, dict[str, None]] = {}
    for environment in report.environments:
        for name, reason in environment.unavailable.items():
            found.setdefault(name, {})[reason] = None
    at_times: dict[str, dict[str, None]] = {}
    for check in report.checks:
        for name, growth in check.meters.items():
            if growth.verdict == "unavailable" and name not in found:
                at_times.setdefault(name, {})[growth.reason] = None
    told = {name: listed(filter(None, reasons)) for name, reasons in found.items()}
    return {**told, **{f"{name} at times": listed(each) for name, each in at_times.items()}}


def coarsest(checks: Iterable[Check], meter: str) -> float | None:
    """Return the coarsest resolution of a meter in the repeated checks that it calls clean."""
    found = [
        check.meters[meter].resolution
        for check in checks
        if check.runs >= REPEATED and meter in check.meters
        if check.meters[meter].verdict == "clean"
    ]
    return max(found, default=None)


def rows(report: Report) -> list[Row]:
    """Return what each meter said, in the meters' order."""
    named = {name for check in report.checks for name in check.meters}
    for each in report.environments:
        named |= {*each.sources, *each.unavailable}
    known = [name for name in METERS if name in named]
    missing = unavailable(report)
    return [row(name, report, missing) for name in (*known, *sorted(named - set(known)))]


def row(name: str, report: Report, missing: Mapping[str, str]) -> Row:
    """Return what one meter said."""
    said = [check.meters[name] for check in report.checks if name in check.meters]
    read = (each.sources.get(name) for each in report.environments)
    return Row(
        name,
        Counter(str(growth.verdict) for growth in said),
        coarsest(report.checks, name),
        said[0].unit if said else "",
        exact=name in METERS and exact(name),
        source=listed(dict.fromkeys(filter(None, read))),
        unavailable=missing.get(name, ""),
    )
