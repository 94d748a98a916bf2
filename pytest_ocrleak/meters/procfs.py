"""Linux's ``/proc/self``, read as text; every other platform answers that it has none."""

import errno
import os
import sys

LINUX = sys.platform.startswith("linux")
PARENT, SESSION, USER, SYSTEM, START = (field - 3 for field in (4, 6, 14, 15, 22))  # fields of stat


def text(path: str) -> str:
    """Return a file of ``/proc`` as text; names in it may hold any byte.

    Raises
    ------
    OSError
        It is gone, or this process may not read it.

    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path object costs more than the read
        return os.fsdecode(file.readall())


def link(path: str) -> str:
    """Return where a link of ``/proc`` leads; the kernel writes names there that are no paths."""
    return os.readlink(path)  # noqa: PTH115 - a Path would change such names


def stat_of(path: str) -> tuple[str, list[str]]:
    """Return the command name and the fields after it, state first, of a ``stat`` file.

    The name stands in parentheses and may itself hold blanks and parentheses, so the split is at
    the last one (proc(5)).

    Raises
    ------
    OSError
        It is gone, or has fewer fields than every kernel writes.

    """
    head, _, tail = text(path).rpartition(")")
    fields = tail.split()
    if len(fields) <= START:
        raise ProcessLookupError(errno.ESRCH, "no whole line", path)
    return head.partition("(")[2], fields


def start_of(fields: list[str]) -> int:
    """Return the start in clock ticks since boot from the fields that `stat_of` gives."""
    return int(fields[START])


def cpu_of(fields: list[str]) -> float:
    """Return the seconds of CPU time, the kernel's part included, from those fields."""
    return (int(fields[USER]) + int(fields[SYSTEM])) / os.sysconf("SC_CLK_TCK")
