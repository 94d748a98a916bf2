"""Things that may linger: built-in rules and the user's, each with its reason."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pytest_ocrleak.inventory import Item

DRAWN = (  # by `tempfile`: eight characters after a prefix of its own, or in a temp directory
    r"((?:\btmp|\bpymp-)(?=[a-z0-9_]{8}(?![a-z0-9_]))"
    r"|^(?:/var)?/tmp/[^/\s]*?(?=[a-z0-9_]{0,7}\d)(?=[a-z0-9_]{8}(?:[./\s]|$)))[a-z0-9_]{8}"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What of one meter may linger: a glob over the thing's name, and why."""

    meter: str
    pattern: str
    reason: str = ""

    def covers(self, meter: str, item: Item) -> bool:
        """Tell whether the rule is about this thing."""
        same = item.what == self.pattern  # which may hold what a glob takes for its own: socket:[7]
        return self.meter == meter and (same or fnmatchcase(item.what, self.pattern))

    @property
    def line(self) -> str:
        """The rule as users type it."""
        return f"{self.meter}:{self.pattern}" + (f"  # {self.reason}" if self.reason else "")


USES: Counter[Rule] = Counter()  # how often each rule that was typed let a thing linger
BUILT_IN = (
    Rule("fds", "/dev/nvidia*", "the driver keeps them while the CUDA context lives"),
    Rule("fds", "/dev/*random", "the random generator keeps it"),
    Rule("maps", "/dev/nvidia*", "the driver keeps them while the CUDA context lives"),
    Rule("maps", "*/gconv-modules.cache", "glibc keeps the table of character sets"),
    Rule("maps", "*/locale/*", "glibc keeps the locale's data"),
    Rule("tempfiles", "*/pytest-of-*", "pytest keeps the folders of its last three sessions"),
    Rule("threads", "Python thread Trio thread *", "trio keeps idle threads for ten seconds"),
    Rule("processes", "*multiprocessing.resource_tracker*", "multiprocessing ends it at exit"),
    Rule("processes", "*multiprocessing.forkserver*", "multiprocessing ends it at exit"),
    Rule("fds", "*/pym-*", "multiprocessing keeps its first shared memory for the next"),
    Rule("maps", "*/pym-*", "multiprocessing keeps its first shared memory for the next"),
    Rule("tempfiles", "*/pymp-*", "multiprocessing removes it at exit"),
)


def suggested(what: str) -> str:
    """Return the glob of a rule that lets a thing linger in the next run of the suite, too.

    Ports, inodes and the folders that pytest and `tempfile` make are others then.
    """
    if "/pytest-of-" in what or re.search(r"/(?:tmp|pymp-)[a-z0-9_]{8}/", what):
        what = f"*/{what.rpartition('/')[2]}"
    what = re.sub(DRAWN, r"\1????????", what)
    what = re.sub(r"(?<=/)sem\.\w+", "sem.*", what)
    what = re.sub(r"(?<=/)#\d+ (?=\(deleted\)$)", "#* ", what)
    what = re.sub(r"\[[\d*]+\]", "*", what)
    return re.sub(r":\d+(?=\s|$)", ":*", what)


def parse(line: str) -> Rule:
    """Return the rule in ``meter:glob  # reason``.

    Raises
    ------
    ValueError
        There is no colon, or nothing on one side of it.

    """
    rule, _, reason = line.partition("  #") if "  #" in line else line.partition(" #")
    meter, colon, pattern = rule.strip().partition(":")
    if not (meter.strip() and colon and pattern.strip()):
        raise ValueError(f"{line!r} is no ignore rule: write 'meter:glob  # reason'")
    return Rule(meter.strip(), pattern.strip(), reason.strip())


def keep(meter: str, items: Iterable[Item], rules: Iterable[Rule]) -> tuple[Item, ...]:
    """Return the things that no rule covers, and count the uses of those rules that do."""
    kept = []
    for item in items:
        if any(rule.covers(meter, item) for rule in BUILT_IN):
            continue
        using = [rule for rule in rules if rule.covers(meter, item)]
        USES.update(using)
        if not using:
            kept.append(item)
    return tuple(kept)
