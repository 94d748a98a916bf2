"""Descriptors that are kept open: to read by at each look, and to give up where none is left.

What is read through them costs no opening, which an audit hook would see.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LINUX = sys.platform.startswith("linux")
SIZE, NEWEST, FOLDER = "/proc/self/statm", "/proc/loadavg", "/proc/self/fd"
PATHS = (SIZE, NEWEST, FOLDER) if LINUX else (os.devnull,)
_held: dict[str, int] = {}
_opened: dict[int, tuple[int, int]] = {}  # device and inode, by number


def take() -> None:
    """Open those that are not open, as far as there are any to be had now."""
    for path in PATHS:
        if path not in _held:
            with suppress(OSError):
                _held[path] = number = os.open(path, os.O_RDONLY)
                _opened[number] = identity(number)


def identity(number: int) -> tuple[int, int]:
    """Return device and inode of a descriptor."""
    status = os.fstat(number)
    return status.st_dev, status.st_ino


@contextmanager
def lent() -> Iterator[None]:
    """Close them for a while; a number is another's by now where somebody closed all there were."""
    while _held:
        with suppress(OSError):
            _, number = _held.popitem()
            if identity(number) == _opened.pop(number):
                os.close(number)
    try:
        yield
    finally:
        take()


def number(path: str) -> int:
    """Return the descriptor that is kept of a path, -1 where none could be had."""
    if path not in _held:
        take()
    return _held.get(path, -1)


def is_ours(number: int, device: int, inode: int) -> bool:
    """Tell whether a descriptor is one of them; a number alone may be another's by now."""
    for path, held in _held.items():
        if held == number:
            status = os.stat(path)  # noqa: PTH116 - asked at each reading
            return (device, inode) == (status.st_dev, status.st_ino)
    return False


def renew() -> None:
    """Open them anew in a process that was forked off: the old ones tell of its parent."""
    with lent():
        pass


take()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=renew)
