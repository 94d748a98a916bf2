"""Known leaks: which may stay, how much of each, and until when; `baseline_file` has the TOML."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import cached_property

from pytest_ocrleak.inventory import BYTES, Leak
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.verdict import Growth

TERM = timedelta(days=90)  # that a leak is accepted for, unless somebody writes another date
NOISE = 1.25  # times the bytes that are allowed, up to which growth may differ from run to run
RARE = 0.25  # things per run by which a rate may differ from run to run
JUDGED = ("clean", "leak")
USE = "use"  # of a freed object, which is tried whatever meters are read
REASON = "not looked into yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """A known leak: the check it is in, how much of it a run may leave, why, and until when.

    ``where`` is the check's label, or a glob over labels; ``allowed`` is in things or bytes per
    run. ``what`` and ``opened_at`` are there to be read: the fingerprint tells the leak.
    """

    where: str
    meter: str
    what: str
    fingerprint: str
    opened_at: str = ""
    allowed: float = 1.0
    reason: str = ""
    expires: date | None = None

    def is_about(self, where: str) -> bool:
        """Tell whether the entry is about leaks of a check."""
        return self.where == where or fnmatchcase(where, self.where)

    def expired(self, today: date) -> bool:
        """Tell whether its last day has passed."""
        return self.expires is not None and self.expires < today


@dataclass(frozen=True)
class Baseline:
    """The known leaks of a suite."""

    entries: tuple[Entry, ...] = ()

    @cached_property
    def _exact(self) -> Mapping[str, list[int]]:
        """The numbers of the entries by the label of their check."""
        found: dict[str, list[int]] = {}
        for number, entry in enumerate(self.entries):
            found.setdefault(entry.where, []).append(number)
        return found

    @cached_property
    def _globs(self) -> tuple[int, ...]:
        """The numbers of the entries that may be about several checks."""
        return tuple(n for n, entry in enumerate(self.entries) if set("*?[") & set(entry.where))

    def about(self, where: str) -> dict[int, Entry]:
        """Return the entries about leaks of a check, by their numbers."""
        numbers = dict.fromkeys(self._exact.get(where, ()))
        numbers |= dict.fromkeys(n for n in self._globs if self.entries[n].is_about(where))
        return {number: self.entries[number] for number in numbers}


def left(check: Check) -> dict[str, Entry]:
    """Return the leaks of a check as entries, by fingerprint: those with the same one together."""
    found: dict[str, Entry] = {}
    for leak in check.leaks:
        amount = size(leak, check.meters.get(leak.meter))
        known = found.get(leak.fingerprint)
        place = re.sub(r":\d+(?= in )", "", next(iter(leak.opened_at), ""))  # lines shift
        found[leak.fingerprint] = (
            replace(known, allowed=known.allowed + amount)
            if known
            else Entry(check.label, leak.meter, leak.what, leak.fingerprint, place, amount)
        )
    return found


def size(leak: Leak, growth: Growth | None) -> float:
    """Return how much of a leak a run leaves, in things or bytes; of a residue, how much it is."""
    if leak.per_run or growth is None:
        return leak.per_run
    return max(growth.one_time, 0.0)


def grew(entry: Entry, amount: float, runs: int) -> bool:
    """Tell whether a leak is more than is allowed, beyond what differs from run to run.

    One pass counts things exactly. What runs leave mapped is bytes per run, too.
    """
    if entry.meter in BYTES or (entry.meter == "maps" and runs > 1):
        return amount > NOISE * entry.allowed
    return amount > entry.allowed + (RARE if runs > 1 else 0.0)


def judged(check: Check, baseline: Baseline, today: date) -> Check:
    """Return a check whose leaks are known where an entry allows them, and say why where not."""
    about = [*baseline.about(check.label).values()]
    if not about:
        return check
    entries = {entry.fingerprint: entry for entry in reversed(about)}
    amounts = {name: entry.allowed for name, entry in left(check).items()}

    def told(leak: Leak) -> Leak:
        entry = entries.get(leak.fingerprint)
        if entry is None:
            return leak
        if entry.expired(today):
            return replace(leak, remark=f"its entry in the baseline expired on {entry.expires}")
        if grew(entry, amounts[leak.fingerprint], check.runs):
            return replace(leak, remark=f"more than the baseline allows: {entry.allowed:,.4g}")
        return replace(leak, known=True, remark=reason(entry))

    return replace(check, leaks=tuple(map(told, check.leaks)))


def reason(entry: Entry) -> str:
    """Return why a leak fails nothing."""
    until = f", until {entry.expires}" if entry.expires else ""
    return f"known: {entry.reason or 'no reason given'}{until}"


def all_known(check: Check) -> Check:
    """Return a check all of whose leaks are accepted from now on."""
    every = (replace(leak, known=True, remark=leak.remark or "accepted") for leak in check.leaks)
    return replace(check, leaks=tuple(every))


@dataclass(slots=True)
class Looks:
    """The numbers of the entries that were looked for.

    Where ``where`` is a glob, a check is one of many ``parts``; what one could not see is ``open``.
    """

    exact: set[int] = field(default_factory=set)
    parts: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.exact or self.parts or self.open)

    def add(self, other: "Looks") -> None:
        """Add what others looked for."""
        self.exact |= other.exact
        self.parts |= other.parts
        self.open |= other.open

    def all(self, *, everywhere: bool) -> set[int]:
        """Return what was looked for in each place; ``everywhere`` tells whether all were seen."""
        return self.exact | (self.parts - self.open if everywhere else set())


def looked(label: str, baseline: Baseline, judged: Callable[[Entry], bool]) -> Looks:
    """Return of which entries a check shows whether they still leak: those that it ``judged``."""
    found = Looks()
    for number, entry in baseline.about(label).items():
        here = found.exact if entry.where == label else found.parts
        if judged(entry):
            here.add(number)
        elif here is found.parts:
            found.open.add(number)
    return found


def proven(check: Check, baseline: Baseline) -> Looks:
    """Return the entries of which a check shows whether they still leak."""
    judged = {name for name, growth in check.meters.items() if growth.verdict in JUDGED}
    return looked(check.label, baseline, lambda entry: entry.meter in {*judged, USE})


def proven_clean(label: str, baseline: Baseline, meters: Collection[str]) -> Looks:
    """Return the entries that a clean pass over some meters shows to be gone."""
    return looked(label, baseline, lambda e: e.meter in meters and e.meter not in BYTES)


def tests(baseline: Baseline) -> Iterator[tuple[int, str]]:
    """Yield the entries that are about one test, class or module: number and its node id."""
    for number, entry in enumerate(baseline.entries):
        test, dot, _ = entry.where.partition(" · ")
        if (dot or "::" in test) and not set("*?") & set(test):
            yield number, test


def unused(baseline: Baseline, looked_for: Collection[int], found: Iterable[Entry]) -> list[int]:
    """Return the numbers of the entries that were looked for and found nowhere."""
    used = {number for one in found for number in matching(baseline, one)}
    return sorted(set(looked_for) - used)


def matching(baseline: Baseline, found: Entry) -> Iterator[int]:
    """Yield the numbers of the entries of a leak."""
    for number, entry in baseline.about(found.where).items():
        if entry.fingerprint == found.fingerprint:
            yield number


def updated(
    baseline: Baseline, looked_for: Collection[int], found: Iterable[Entry], today: date
) -> Baseline:
    """Return the baseline of today: what still leaks, what is new, and what was not looked for.

    An entry keeps its reason, and its date while that has not come; it allows what leaks now.
    """
    found = list(found)
    gone = set(unused(baseline, looked_for, found))
    entries = {n: entry for n, entry in enumerate(baseline.entries) if n not in gone}
    new = []
    for one in found:
        numbers = list(matching(baseline, one))
        for number in numbers:
            entries[number] = renewed(entries[number], one, today)
        if not numbers:
            new.append(replace(one, reason=REASON, expires=today + TERM))
    return Baseline(tuple(sorted([*entries.values(), *new], key=order)))


def renewed(entry: Entry, found: Entry, today: date) -> Entry:
    """Return an entry that allows what was found, from today on."""
    allowed = found.allowed if grew(entry, found.allowed, runs=2) else entry.allowed
    expires = today + TERM if entry.expired(today) else entry.expires
    return replace(entry, allowed=allowed, expires=expires)


def order(entry: Entry) -> tuple[str, ...]:
    """Return what entries are sorted by: new ones come between old ones, not behind them."""
    return entry.where, entry.meter, entry.what, entry.fingerprint
