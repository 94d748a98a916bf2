"""A descriptor kept in reserve, so that a process without any left can still be read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_held: list[int] = []


def take() -> None:
    """Open it, unless it is open or none can be had now."""
    if not _held:
        with suppress(OSError):
            _held.append(os.open(os.devnull, os.O_RDONLY))


@contextmanager
def lent() -> Iterator[None]:
    """Close it for a while."""
    while _held:
        with suppress(OSError):
            os.close(_held.pop())
    try:
        yield
    finally:
        take()


def number() -> int:
    """Return its number, -1 where none could be had."""
    take()
    return _held[0] if _held else -1


def is_ours(number: int, device: int, inode: int) -> bool:
    """Tell whether a descriptor is the one in reserve; a number alone may be another's by now."""
    if number not in _held:
        return False
    status = os.stat(os.devnull)  # noqa: PTH116 - asked at each reading
    return (device, inode) == (status.st_dev, status.st_ino)


take()
