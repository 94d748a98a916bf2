"""Leaks by the fixture or test that they belong to, the same ones together."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from pytest_ocrleak.difference import alike, shared_name
from pytest_ocrleak.inventory import BYTES, Leak
from pytest_ocrleak.report.page.reading import Check, Report, leaking
from pytest_ocrleak.report.page.words import title

SPREAD = 2  # groups from which on a leak is told as one that many share
FOLDERS = r"(\S*[/\\])(?=\S)"  # of a path in a name


@dataclass(frozen=True, slots=True)
class Found:
    """A leak of a check, and the further checks of the group that found the same."""

    check: Check
    leak: Leak
    others: tuple[Check, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks of the group that found it."""
        return (self.check, *self.others)


@dataclass(frozen=True, slots=True)
class Group:
    """The leaks of one fixture or test; ``fails`` where one of them is not known."""

    name: str
    kind: str
    found: tuple[Found, ...]

    @property
    def fails(self) -> bool:
        """Whether any of the leaks is not known."""
        return not all(each.leak.known for each in self.found)

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks that found them, each once."""
        return tuple({id(check): check for each in self.found for check in each.checks}.values())

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters that saw them."""
        return tuple(dict.fromkeys(each.leak.meter for each in self.found))


@dataclass(frozen=True, slots=True)
class Shared:
    """A leak that many fixtures and tests have, by its fingerprint."""

    leak: Leak
    groups: int
    checks: int


def groups(report: Report) -> list[Group]:
    """Return the leaks in groups: those with new leaks first, of these fixtures first."""
    by_name: dict[tuple[str, str], list[Check]] = {}
    for check in leaking(report):
        by_name.setdefault(owner(check), []).append(check)
    every = [Group(name, kind, tuple(merged(found))) for (kind, name), found in by_name.items()]
    return sorted(every, key=lambda group: (not group.fails, group.kind != "fixture"))


def owner(check: Check) -> tuple[str, str]:
    """Return whose leaks these are: a fixture's, wherever it ended, or the test's around it."""
    if check.kind == "fixture":
        return "fixture", title(check)
    return ("test", check.nodeid) if check.nodeid else (check.kind, title(check))


def merged(checks: Iterable[Check]) -> Iterable[Found]:
    """Return leaks, those that are the same in several checks as one; the new ones first."""
    found: dict[Hashable, list[tuple[Check, Leak]]] = {}
    for check in checks:
        for leak in check.leaks:
            found.setdefault(identity(check, leak), []).append((check, leak))
    return sorted(map(one, found.values()), key=lambda each: each.leak.known)


def one(same: Sequence[tuple[Check, Leak]]) -> Found:
    """Return what several checks found as one, by the name that all of it shares."""
    first, *others = (check for check, _ in same)
    return Found(first, named([leak for _, leak in same]), tuple(others))


def named(leaks: Sequence[Leak]) -> Leak:
    """Return the first of leaks that are one by the name that all share; bytes keep the amount."""
    if leaks[0].meter in BYTES:
        return leaks[0]
    return replace(leaks[0], what=in_common([leak.what for leak in leaks]))


def in_common(names: Sequence[str]) -> str:
    """Return the names of one leak as one, with ``*`` for folders and numbers that differ."""
    if len(set(map(alike, names))) == 1:
        return shared_name(names)
    parts = [re.split(FOLDERS, name) for name in names]
    if len(set(map(len, parts))) > 1:
        return names[0]
    return "".join(map(in_part, zip(*parts, strict=True)))


def in_part(parts: Sequence[str]) -> str:
    """Return a part of some names, all of which are folders where one of them is."""
    if len(set(parts)) == 1 or not re.fullmatch(r".*[/\\]", parts[0]):
        return shared_name(parts)
    return "*/"


def identity(check: Check, leak: Leak) -> Hashable:
    """Return what is the same in leaks that are told as one."""
    at = "" if check.kind == "fixture" else (check.kind, check.name)
    known = leak.known, leak.remark
    return at, leak.meter, leak.fingerprint or leak.what, leak.opened_at[:1], known


def shared(every: Iterable[Group]) -> list[Shared]:
    """Return the things that leak in several groups, the most common first.

    Growth in bytes has the same name everywhere and need not be the same leak.
    """
    seen: dict[str, list[Leak]] = {}
    in_groups: Counter[str] = Counter()
    in_checks: Counter[str] = Counter()
    for group in every:
        for found in {one.leak.fingerprint: one for one in group.found}.values():
            name = "" if found.leak.meter in BYTES else found.leak.fingerprint
            seen.setdefault(name, []).append(found.leak)
            in_groups[name] += 1
            in_checks[name] += len(found.checks)
    return [
        Shared(named(seen[name]), count, in_checks[name])
        for name, count in in_groups.most_common()
        if name and count >= SPREAD
    ]
