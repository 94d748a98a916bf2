"""Two reports of the plugin: which leaks are new, which are gone, which stayed.

A leak is the same where the check and the leak's fingerprint are.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pytest_ocrleak.difference import fingerprint
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.outcome import label, place

Key = tuple[str, ...]
RANK = ("clean", "inconclusive", "leak")
UNJUDGED = ("inconclusive", "unavailable", "unjudged")


class Found(NamedTuple):
    """A leak in a report."""

    meter: str
    what: str
    count: int  # type: ignore[assignment]  # as the report has it
    per_run: float
    fingerprint: str = ""


class Said(NamedTuple):
    """What one meter said."""

    verdict: str
    unit: str = "B"
    reason: str = ""


class Done(NamedTuple):
    """A check in a report."""

    kind: str
    name: str
    verdict: str
    runs: int
    meters: Mapping[str, Said]
    leaks: tuple[Found, ...]
    nodeid: str = ""
    scope: str = ""

    @property
    def key(self) -> Key:
        """The check's identity from run to run."""
        return self.place, self.kind, self.scope, self.name

    @property
    def place(self) -> str:
        """The test, or the class or module of a fixture that is wider than a test."""
        return place(self.nodeid, self.scope)

    @property
    def label(self) -> str:
        """The check's name for people: where, and the fixture or guard there."""
        return label(self.kind, self.name, self.nodeid, self.scope)


NO_CHECK = Done("", "", "", 0, {}, ())


class Environment(NamedTuple):
    """What the figures of a report depend on."""

    python: str = ""
    platform: str = ""
    allocator: str = ""


class Report(NamedTuple):
    """A report: its checks and where they ran."""

    checks: tuple[Done, ...]
    environment: Environment = Environment()


class Pair(NamedTuple):
    """A leak of a check, in the older and in the newer report; ``None`` where it is in one only.

    ``remark`` says why a leak that is in the older one only is not proven gone.
    """

    check: str
    older: Found | None
    newer: Found | None
    remark: str = ""


class Turned(NamedTuple):
    """A check whose verdict changed."""

    check: str
    older: str
    newer: str


class Comparison(NamedTuple):
    """What two reports differ in."""

    new: tuple[Pair, ...]
    still: tuple[Pair, ...]
    gone: tuple[Pair, ...]
    unproven: tuple[Pair, ...]
    verdicts: tuple[Turned, ...]
    surroundings: tuple[str, ...]


def compare(older: Report, newer: Report) -> Comparison:
    """Return what two reports differ in."""
    before, after = by_check(older.checks), by_check(newer.checks)
    pairs = [
        pair for key in {**before, **after} for pair in paired(before.get(key), after.get(key))
    ]
    left = [pair for pair in pairs if not pair.newer]
    return Comparison(
        new=tuple(pair for pair in pairs if not pair.older),
        still=tuple(pair for pair in pairs if pair.older and pair.newer),
        gone=tuple(pair for pair in left if not pair.remark),
        unproven=tuple(pair for pair in left if pair.remark),
        verdicts=tuple(turned(before, after)),
        surroundings=tuple(surroundings(older.environment, newer.environment)),
    )


def by_check(checks: Iterable[Done]) -> dict[Key, Done]:
    """Return checks by identity; one that was made several times counts with its worst verdict."""
    found: dict[Key, Done] = {}
    for check in checks:
        known = found.get(check.key)
        found[check.key] = check if known is None else both(known, check)
    return found


def both(first: Done, second: Done) -> Done:
    """Return two makings of one check as one."""
    worst = max(first, second, key=lambda check: rank(check.verdict))
    return worst._replace(leaks=(*first.leaks, *second.leaks))


def rank(verdict: str) -> int:
    """Return how bad a verdict is; one that nobody knows is the worst."""
    return RANK.index(verdict) if verdict in RANK else len(RANK)


def paired(older: Done | None, newer: Done | None) -> Iterator[Pair]:
    """Yield the leaks of a check, those that are the same together."""
    check = (newer or older or NO_CHECK).label
    before, after = by_fingerprint(older), by_fingerprint(newer)
    for key, leak in before.items():
        now = after.get(key)
        yield Pair(check, leak, now, "" if now else doubt(leak.meter, newer))
    yield from (Pair(check, None, leak) for key, leak in after.items() if key not in before)


def is_thing(meter: str) -> bool:
    """Tell whether leaks of a meter are things with names."""
    return meter not in METERS or METERS[meter].exact


def doubt(meter: str, newer: Done | None) -> str:
    """Return why the newer report does not prove that a leak is gone, nothing where it does."""
    if newer is None:
        return "not checked"
    said = newer.meters.get(meter)
    if said is None or said.verdict not in UNJUDGED:
        return ""
    return f"{meter} {said.verdict}"


def by_fingerprint(check: Done | None) -> dict[Key, Found]:
    """Return a check's leaks by meter and fingerprint, the largest of those that are the same."""
    found: dict[Key, Found] = {}
    for leak in check.leaks if check else ():
        key = leak.meter, leak.fingerprint or fingerprint(leak.meter, leak.what)
        found[key] = max(leak, found.get(key, leak), key=lambda one: (one.count, one.per_run))
    return found


def turned(before: Mapping[Key, Done], after: Mapping[Key, Done]) -> Iterator[Turned]:
    """Yield the checks in both reports whose verdict changed."""
    for key, old in before.items():
        new = after.get(key)
        if new and new.verdict != old.verdict:
            yield Turned(new.label, old.verdict, new.verdict)


def surroundings(older: Environment, newer: Environment) -> Iterator[str]:
    """Yield what the figures depend on and is not the same."""
    for name, before, after in zip(Environment._fields, older, newer, strict=True):
        if before != after:
            yield f"{name}: {before} in the first, {after} in the second"
