"""Files and folders in the temp directories that this process made and that are still there.

The interpreter reports each creation to audit hooks (sys.addaudithook), so what is ours is known
exactly, without walking crowded folders and without taking another process's files for ours. What
native code creates is not reported, and is not seen once it is closed.
"""

import functools
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from pytest_ocrleak.inventory import Items, Reading, TempFile
from pytest_ocrleak.meters import events
from pytest_ocrleak.meters.events import Stack

MOST = 100_000  # paths that are remembered; more than a suite leaves
AT_ONCE = 256  # paths after which those that are gone are forgotten, and twice what is left
PATH_OF = {  # the argument of an audit event that is the path of something new
    "open": 0, "os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "sqlite3.connect": 0,
}  # fmt: skip
_made: dict[str, Stack] = {}
_noted = [0, 0]  # how often something was made there, and opened anywhere
_left_out = ["/pytest-of-"]  # pytest keeps the folders of its last three sessions


def source() -> str:
    """Return how files are found to be ours."""
    return f"audit events, {', '.join(roots())}"


def read() -> Reading:
    """Return what this process made since the first reading."""
    watch()
    return Items(tuple(found for path in list(_made) if (found := look(path))))


def made() -> object:
    """Return what changes when something is made, and when it is found to be gone."""
    watch()
    return _noted[0], len(_made)


def opened() -> int:
    """Return how often Python opened a file or socket since the first reading, of any place."""
    watch()
    return _noted[1]


def origin(path: str) -> Stack:
    """Return the stack that made what is at a path, nothing where that is not known."""
    return _made.get(path, ())


def leave_out(folder: str) -> None:
    """Take no notice of what is made in a folder, by a part of its path."""
    if folder not in _left_out:
        _left_out.append(folder)


def forget() -> None:
    """Forget what is gone, or the memory of it would read as growth of Python's blocks."""
    for path in list(_made):
        if look(path) is None:
            _made.pop(path, None)


@functools.cache
def roots() -> tuple[str, ...]:
    """Return the temp directories, with a separator at the end."""
    folders = {tempfile.gettempdir(), "/tmp", "/var/tmp"}  # noqa: S108 - to look there, not to write
    folders |= {os.path.realpath(folder) for folder in folders}
    return tuple(sorted(f"{folder}{os.sep}" for folder in folders))


@functools.cache
def watch() -> None:
    """Begin to note what is made."""
    keep = kept(roots(), [AT_ONCE])

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            _noted[1] += 1
            if not creates(arguments):
                return
        path = arguments[PATH_OF[event]]
        if isinstance(path, (str, bytes)):
            keep(event, os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - must cost little

    def count(_: tuple[Any, ...]) -> None:
        _noted[1] += 1

    for event in PATH_OF:
        events.listen(event, functools.partial(note, event))
    events.listen("socket.__new__", count)


def kept(prefixes: tuple[str, ...], room: list[int]) -> Callable[[str, str], None]:
    """Return what keeps a path that something was made at, if it lies in a temp directory."""

    def keep(event: str, path: str) -> None:
        if not path.startswith(prefixes) or any(part in path for part in _left_out):
            return
        if event == "open" and os.path.isdir(path):  # noqa: PTH112
            return  # tempfile opens with an opener, and the event then names the folder
        if event != "os.rename" and os.path.lexists(path):
            return  # it is written again, be it ours or another's
        if len(_made) >= room[0]:
            forget()
            room[0] = max(AT_ONCE, 2 * len(_made))
        if len(_made) < MOST:
            frame = sys._getframe(3) if events.wanted() else None  # noqa: SLF001 - who made it
            _made[path] = events.stack(frame)
            _noted[0] += 1

    return keep


def creates(arguments: tuple[object, ...]) -> bool:
    """Tell whether opening with these arguments (path, mode, flags) may make a file."""
    flags = arguments[2] if len(arguments) > 2 else 0  # noqa: PLR2004 - as the event has them
    return isinstance(flags, int) and bool(flags & os.O_CREAT)


def look(path: str) -> TempFile | None:
    """Return what stands at a path, ``None`` when it is gone or not this user's."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return TempFile(status.st_dev, status.st_ino, path) if ours else None
