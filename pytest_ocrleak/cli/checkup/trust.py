"""What the figures depend on here, and what limits the trust in them."""

import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from pytest_ocrleak.cli.checkup.plants import Seen
from pytest_ocrleak.meters import descriptions, heap, procfs

DESCRIPTORS = 1024  # that may be open, below which a check may end early: it stops at 400 leaks
PROC = ("fds", "maps", "threads", "processes", "rss")


class Here(NamedTuple):
    """Interpreter, system and allocator, and what is there that checks can use.

    ``descriptors`` is how many may be open, 0 for any number; ``kcmp`` whether the kernel tells
    duplicates of descriptors from others. An extra that is not installed has no version.
    """

    python: str
    platform: str
    kernel: str
    allocator: str
    descriptors: int = 0
    kcmp: bool = True
    memray: str = ""
    rich: str = ""


def here() -> Here:
    """Return what is here."""
    return Here(
        f"{platform.python_implementation()} {platform.python_version()}",
        platform.platform(),
        platform.release(),
        heap.allocator(),
        descriptors(),
        kcmp=tells_duplicates(),
        memray=installed("memray"),
        rich=installed("rich"),
    )


def descriptors() -> int:
    """Return how many descriptors may be open, 0 where any number may."""
    if os.name != "posix":
        return 0
    import resource  # noqa: PLC0415 - Windows has none

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if soft == resource.RLIM_INFINITY else soft


def tells_duplicates() -> bool:
    """Tell whether kcmp(2) works: it must know a duplicate, and another descriptor as no one."""
    numbers = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
    try:
        numbers.append(os.dup(numbers[0]))
        first, other, duplicate = numbers
        return descriptions.shared(first, duplicate) and not descriptions.shared(first, other)
    finally:
        for number in numbers:
            os.close(number)


def installed(name: str) -> str:
    """Return the version of a distribution, nothing where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def told(here: Here) -> Iterator[str]:
    """Yield what is here, in words."""
    yield f"Python: {here.python}"
    yield f"platform: {here.platform}"
    yield f"allocator: {here.allocator}"
    yield f"descriptors that may be open: {f'{here.descriptors:,}' if here.descriptors else 'any'}"
    yield f"duplicates of descriptors, by kcmp(2): {'told' if here.kcmp else 'not told'}"
    yield f"memray, for the stacks of memory that grows: {here.memray or 'not installed'}"
    yield f"rich, for colour: {here.rich or 'not installed'}"


def limits(here: Here, meters: Mapping[str, Seen]) -> Iterator[str]:
    """Yield what limits trust here, each with what to do about it."""
    if 0 < here.descriptors < DESCRIPTORS:
        yield (
            f"only {here.descriptors:,} descriptors may be open, so that a check of what leaks "
            f"them may end early: ulimit -n {DESCRIPTORS}"
        )
    if not here.kcmp:
        yield (
            "the kernel does not tell duplicates of descriptors, so that one may be told with the "
            "line of an older one: in a container, allow kcmp in its seccomp profile"
        )
    missing = {name: seen.reason for name, seen in meters.items() if not seen.available}
    if "heap" in missing:
        yield (
            f"the heap is not read ({missing['heap']}), so that native memory shows in rss only: "
            "start Python under one of the allocators in docs/meters.md"
        )
    if "pyblocks" in missing:
        yield f"Python's blocks are not counted ({missing['pyblocks']}): unset PYTHONMALLOC"
    if hidden := [name for name in PROC if name in missing]:
        advice = "mount /proc" if procfs.LINUX else "check on Linux, too"
        yield f"{', '.join(hidden)} cannot be read ({missing[hidden[0]]}): {advice}"
