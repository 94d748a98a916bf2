"""The ways in which a suite is run: with an empty plugin, and with each plugin idle and at work."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .suites import NOTHING

BASE, MEMORY = "none", "memory"
EMPTY = ("-p", NOTHING)
OURS = ("-p", "pytest_ocrleak.plugin")
NO_ORIGINS = (*OURS, "--ocrleak", "-o", "ocrleak_origins=false")
DASK = ("-p", "distributed.pytest_resourceleaks")
MEMRAY = ("-p", "pytest_memray.plugin")
PYLEAK = ("-p", "pyleak.pytest_plugin")
OPENFILES = ("-p", "pytest_openfiles.plugin")
TWO = ("-p", "xdist.plugin", "-n", "2")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run a suite: pytest's arguments, the suite, and the way that it is compared with.

    ``told`` is its name for people.
    """

    name: str
    told: str
    arguments: tuple[str, ...] = ()
    suite: str = "plain"
    base: str = BASE

    @property
    def peer(self) -> bool:
        """Whether it is of another plugin."""
        return OURS[1] not in self.arguments and self.name != self.base


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way(BASE, "an empty plugin", EMPTY),
        Way("idle", "ocrleak, idle", OURS),
        Way("ocrleak", "ocrleak, every meter", (*OURS, "--ocrleak")),
        Way("two", "two workers, an empty plugin", (*TWO, *EMPTY), base="two"),
        Way("two-ocrleak", "two workers, ocrleak", (*TWO, *OURS, "--ocrleak"), base="two"),
        Way("held", "much is held, an empty plugin", EMPTY, "held", "held"),
        Way("held-ocrleak", "much is held, ocrleak", (*OURS, "--ocrleak"), "held", "held"),
        Way("opening", "files are opened, an empty plugin", EMPTY, "opening", "opening"),
        Way("opening-ocrleak", "… ocrleak", (*OURS, "--ocrleak"), "opening", "opening"),
        Way("opening-no-origins", "… without origins", NO_ORIGINS, "opening", "opening"),
        Way("dask", "dask's plugin, idle", DASK),
        Way("dask-two", "dask's plugin, two meters", (*DASK, "--leaks=fds,threads")),
        Way("dask-all", "dask's plugin, every meter", (*DASK, "--leaks=all")),
        Way("pyleak", "pyleak, idle", PYLEAK),
        Way("pyleak-marked", "pyleak, every test marked", PYLEAK, "marked"),
        Way("memray", "pytest-memray, idle", MEMRAY),
        Way("memray-on", "pytest-memray", (*MEMRAY, "--memray")),
        Way("openfiles", "pytest-openfiles, idle", OPENFILES),
        Way("openfiles-on", "pytest-openfiles", (*OPENFILES, "--open-files")),
    )
}


def chosen(patterns: Sequence[str]) -> list[Way]:
    """Return the ways whose names match, and those that they are compared with."""
    found = [w for w in WAYS.values() if any(fnmatchcase(w.name, p) for p in patterns)]
    wanted = {name for way in found for name in (way.name, way.base)}
    return [way for way in WAYS.values() if way.name in wanted]


def unknown(patterns: Sequence[str]) -> list[str]:
    """Return the patterns that match nothing."""
    names = (*WAYS, MEMORY)
    return [p for p in patterns if not any(fnmatchcase(name, p) for name in names)]
