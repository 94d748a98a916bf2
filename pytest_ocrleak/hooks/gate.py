"""The baseline of a session: what is known fails nothing, what is gone is told or taken out."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak import baseline, files
from pytest_ocrleak.baseline import Baseline, Entry, Looks
from pytest_ocrleak.baseline_file import written
from pytest_ocrleak.hooks.rules import in_part
from pytest_ocrleak.ledger import Owner
from pytest_ocrleak.outcome import Check, label

UPDATE = "--ocrleak-update-baseline"


@dataclass(slots=True)
class Facts:
    """What checks showed of a baseline: the entries looked for, the leaks found."""

    looks: Looks = field(default_factory=Looks)
    found: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def add(self, found: Iterable[Entry]) -> None:
        """Note leaks; the largest of those that are the same."""
        for one in found:
            known = self.found.setdefault((one.where, one.fingerprint), one)
            self.found[one.where, one.fingerprint] = max(one, known, key=lambda e: e.allowed)

    def plain(self) -> dict[str, Any]:
        """Return the facts as plain data, for another process."""
        found = [asdict(each) for each in self.found.values()]
        looks = {name: sorted(numbers) for name, numbers in asdict(self.looks).items()}
        return {"looks": looks, "found": found}

    def take(self, told: Mapping[str, Any]) -> None:
        """Add the facts of another process."""
        self.looks.add(Looks(**{name: set(each) for name, each in told["looks"].items()}))
        self.add(Entry(**each) for each in told["found"])


class Gate:
    """A baseline that the checks of a session are held against; ``update`` accepts all of today's.

    Each process holds its own checks against it. The one that has all facts tells at the end what
    is not needed any more, or writes the file anew. A glob's entry is gone only where every test
    was looked at, ``everywhere``: any of them may be the one that leaks.
    """

    def __init__(self, path: Path, known: Baseline, *, update: bool, today: date) -> None:
        self.path = path
        self.known = known
        self.update = update
        self.today = today
        self.facts = Facts()
        self.fresh = Facts()
        self.unwritten = False
        self.everywhere = False

    def judged(self, check: Check) -> Check:
        """Return a check with what the baseline says of its leaks."""
        found = baseline.judged(check, self.known, self.today)
        return baseline.all_known(found) if self.update else found

    def note(self, check: Check) -> None:
        """Note what a check shows of the baseline."""
        self.fresh.looks.add(baseline.proven(check, self.known))
        self.fresh.add(baseline.left(check).values())

    def note_clean(self, owner: Owner, nodeid: str, lost: Collection[str]) -> None:
        """Note that one pass was clean, on the meters that were not lost."""
        meters = {meter.name for meter in owner.limits.meters}.difference(lost)
        where = label(owner.kind, owner.name, owner.nodeid or nodeid, owner.scope)
        self.fresh.looks.add(baseline.proven_clean(where, self.known, meters))

    def told(self) -> dict[str, Any]:
        """Return the facts since they were told last, nothing where there are none."""
        fresh, self.fresh = self.fresh, Facts()
        return fresh.plain() if fresh.looks or fresh.found else {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Note the entries of tests that are no more, before any test is deselected."""
        nodes = {item.nodeid for item in items}
        collected = set() if in_part(config) else {node.partition("::")[0] for node in nodes}
        for number, test in baseline.tests(self.known):
            path = test.partition("::")[0]
            lost = path in collected or not (config.rootpath / path).exists()
            if lost and not any(node == test or node.startswith(f"{test}::") for node in nodes):
                self.fresh.looks.exact.add(number)

    @property
    def looked_for(self) -> set[int]:
        """The numbers of the entries that would have been found."""
        return self.facts.looks.all(everywhere=self.everywhere)

    @property
    def unused(self) -> list[Entry]:
        """The entries that were looked for and are gone."""
        numbers = baseline.unused(self.known, self.looked_for, self.facts.found.values())
        return [self.known.entries[number] for number in numbers]

    @property
    def outdated(self) -> bool:
        """Whether the file, as it is at the end, is not what the checks showed."""
        return self.unwritten if self.update else bool(self.unused)

    def finish(self) -> Iterator[str]:
        """Write the file anew where that was asked for; yield what there is to say."""
        if self.update:
            yield self.write()
        elif gone := self.unused:
            each = "; ".join(f"{one.meter}: {one.what} ({one.where})" for one in gone)
            yield (
                f"ocrleak: {len(gone)} of {len(self.known.entries)} known leaks are gone, "
                f"{UPDATE} takes them out of {self.path.name}: {each}"
            )

    def write(self) -> str:
        """Write the file anew, and return what became of it."""
        new = baseline.updated(self.known, self.looked_for, self.facts.found.values(), self.today)
        try:
            files.write(self.path, written(new))
        except OSError as error:
            self.unwritten = True
            return f"ocrleak: the baseline {self.path} was not written: {error.strerror}"
        before, after = (
            {(entry.where, entry.fingerprint) for entry in each.entries}
            for each in (self.known, new)
        )
        return (
            f"ocrleak: {self.path.name}: {len(new.entries)} known leaks, "
            f"{len(after - before)} new, {len(before - after)} taken out"
        )
