"""Who opened it: the stack that made each thing, as the interpreter's audit events tell.

Nothing is known by then of what will come of it but this: whoever opens a descriptor gets the
lowest free number. So that is noted with the stack, and what stands there later is the thing if it
fits. A thread, socket or child has an object that tells it for sure. What native code opens, and
``os.dup``, have no event: of them nothing is claimed.
"""

import functools
import io
import os
import re
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import PurePath
from types import FrameType, MethodType
from typing import Any, NamedTuple

from pytest_ocrleak.causes import bare
from pytest_ocrleak.inventory import (
    Descriptor,
    Item,
    Items,
    MappedFile,
    Process,
    Reading,
    TempFile,
)
from pytest_ocrleak.meters import (
    METERS,
    descriptions,
    events,
    fds,
    processes,
    procfs,
    pulse,
    tempfiles,
)
from pytest_ocrleak.meters.events import Stack

MOST = 1000  # mapped paths, and commands, that are remembered
GONE = " (deleted)"
NAMELESS = re.compile(r"/#\d+ \(deleted\)")  # after the folder of a file that has no name
CROWDED = 0.05  # seconds within which another thread may get the number that is free
KEPT = ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_PATH")  # by a descriptor as it was opened
FLAGS = functools.reduce(lambda all_of, name: all_of | getattr(os, name, 0), KEPT, 3)


class Opening(NamedTuple):
    """An event that takes a descriptor: its name, what was opened, the stack, and when.

    ``mode`` is that of a file object, nothing for a bare descriptor, which may have ``flags``.
    """

    event: str
    name: object
    mode: object
    stack: Stack
    moment: float
    flags: object = None


_taking: dict[int, Opening] = {}  # by the number that it is to get
_wrapping: dict[int, Opening] = {}  # by the number that an object was made for
_objects: dict[int, tuple[Callable[[], object], Stack]] = {}
_sockets: dict[int, Stack] = {}  # by inode
_latest: list[Any] = [0, -CROWDED, -CROWDED, None]  # thread, when, when two were at it, what
_crowd: dict[object, dict[Stack, float]] = {}  # by path, when several threads opened something
_mapping: dict[str, dict[Stack, None]] = {}
_commands: dict[str, dict[Stack, None]] = {}
_forks: dict[Stack, None] = {}


@contextmanager
def noted(*, wanted: bool = True) -> Iterator[None]:
    """Note what is made for a while, if that is wanted."""
    if not wanted:
        yield
        return
    begin()
    with events.wanting():
        yield


@functools.cache
def begin() -> None:
    """Begin to listen."""
    events.base()  # before anybody changes the folder
    events.at_rest(forget)
    for name, listener in _LISTENERS.items():
        events.listen(name, functools.partial(hear, name, listener))
    if sys.version_info < (3, 12):  # which has no event for threads
        hear_threads()


def forget() -> None:
    """Forget what is gone, or the memory of it would read as growth of Python's blocks."""
    if _sockets and sys.platform != "win32":  # which lists no descriptors
        keep(_sockets, set(inodes()))
    if _mapping:
        text = procfs.text("/proc/self/maps")
        keep(_mapping, {name for name in list(_mapping) if name in text})
    if _commands or _forks:
        forget_children(METERS["processes"].read())
    if _crowd:
        keep(_crowd, {each.name for each in list(_taking.values())})


def forget_children(now: Reading) -> None:
    """Forget the commands that no child runs, and what forked where there is none."""
    if isinstance(now, Items):  # else it is not known which there are
        keep(_commands, {each.command for each in now.items if isinstance(each, Process)})
        if not now.items:
            _forks.clear()


def inodes() -> Iterator[int]:
    """Yield the inodes of all descriptors."""
    for name in os.listdir(fds.FOLDER):  # noqa: PTH208 - names, fast
        with suppress(OSError):  # the listing's own, which is closed by now
            yield os.fstat(int(name)).st_ino


def keep(known: dict[Any, Any], names: Collection[object]) -> None:
    """Keep what is known under some names alone."""
    for name in list(known):
        if name not in names:
            known.pop(name, None)


def hear_threads() -> None:
    """Have `threading` tell of the threads that it is about to start."""
    start = threading._start_new_thread  # type: ignore[attr-defined]  # noqa: SLF001

    @functools.wraps(start)
    def told(*arguments: Any) -> object:
        if events.wanted():
            try:
                starting("", arguments, sys._getframe(1))  # noqa: SLF001
            except Exception as error:
                if not events.ours(error):
                    raise
        return start(*arguments)

    threading._start_new_thread = told  # type: ignore[attr-defined]  # noqa: SLF001


def hear(name: str, listener: Callable[[str, tuple[Any, ...], FrameType], None], told: Any) -> None:
    """Note an event with its stack, while anybody wants that."""
    if events.wanted():
        listener(name, told, sys._getframe(2))  # noqa: SLF001 - as logging and warnings do


def take(name: str, what: object, mode: object, stack: Stack, flags: object = None) -> None:
    """Note what is about to take the lowest free number."""
    if stack:
        new = Opening(name, what, mode, stack, time.perf_counter(), flags)
        crowd(new)
        _taking[pulse.lowest()] = new


def crowd(new: Opening) -> None:
    """Note what may get another number than the free one, since two threads open something."""
    me = threading.get_ident()
    thread, before, both, old = _latest
    if me != thread and new.moment - before < CROWDED:
        both = new.moment
        beside(old)
    if new.moment - both < CROWDED:
        beside(new)
    _latest[:] = me, new.moment, both, new


def beside(each: Opening) -> None:
    """Note an opening beside which there was another one."""
    known = _crowd.setdefault(each.name, {})
    if len(known) < MOST:
        known[each.stack] = each.moment
    if len(_crowd) > MOST:
        del _crowd[next(iter(_crowd))]


def opening(name: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a file that is about to be opened, or the object that is made for a descriptor."""
    path, mode, flags = told
    stack = events.stack(frame)
    if bare.within(path, int):
        _wrapping[int.__int__(path)] = Opening(name, None, mode, stack, time.perf_counter())
    else:
        take(name, whole(path), mode, stack, flags)


def whole(path: Any) -> str | None:
    """Return a path from the root on, for the folder that the process is in may change.

    Nothing for an object of a type that has code of its own, which must not run, nor be kept.
    """
    if bare.within(path, str):
        plain = str.__str__(path)
    elif bare.within(path, bytes):
        plain = os.fsdecode(bytes.__getitem__(path, slice(None)))
    elif bare.within(path, PurePath) and type(path).__module__.startswith("pathlib"):
        plain = str(path)
    else:
        return None
    return plain if plain.startswith(os.sep) else os.path.join(os.getcwd(), plain)  # noqa: PTH109, PTH118


def scanning(name: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a folder that is about to be read, or a database to be opened."""
    take(name, whole("." if told[0] is None else told[0]), None, events.stack(frame))


def socketing(_: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a socket; one that is made for a descriptor (accepted, one of a pair) has its number."""
    if frame.f_back and frame.f_back.f_globals is vars(fds):
        return  # who only asks for its addresses
    stack = events.stack(frame)
    remember(told[0], stack)
    number = bare.variables(frame).get("fileno")
    if type(number) is int:
        named(number, stack)


def addressing(_: str, told: tuple[Any, ...], __: FrameType) -> None:
    """Note a socket by its inode, which it keeps where it is taken out of its object."""
    named(socket.socket.fileno(told[0]), of_object(told[0]))


def named(number: int, stack: Stack) -> None:
    """Note the stack of the socket that a descriptor is of."""
    if stack:
        _sockets[os.fstat(number).st_ino] = stack
        if len(_sockets) > MOST:
            del _sockets[next(iter(_sockets))]


def mapping(_: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a file that is about to be mapped, which takes a descriptor of its own."""
    stack, number = events.stack(frame), told[0]
    if number != -1 and stack:
        path = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 - as /proc/self/maps has it
        note(_mapping, path, stack)
        take("mmap", path, None, stack)


def starting(_: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a thread that is about to be started."""
    if isinstance(told[0], MethodType) and isinstance(told[0].__self__, threading.Thread):
        remember(told[0].__self__, events.stack(frame))


def spawning(_: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a child that is about to be started, by its object or by its command."""
    stack = events.stack(frame)
    remember(bare.variables(frame).get("self"), stack)
    program, arguments = told[0], told[1]
    words = [arguments] if isinstance(arguments, (str, bytes)) else list(arguments or [program])
    note(_commands, " ".join(map(os.fsdecode, words)), stack)


def forking(_: str, __: tuple[Any, ...], frame: FrameType) -> None:
    """Note that a child is about to be forked off, by the object that does it or by the stack."""
    stack = events.stack(frame)
    remember(bare.variables(frame).get("process_obj"), stack)  # in multiprocessing.popen_fork
    if stack and len(_forks) < MOST:
        _forks[stack] = None


def remember(each: object, stack: Stack) -> None:
    """Note the stack of an object, for as long as that lives."""
    if each is not None and stack:
        key = id(each)
        _objects[key] = (weakref.ref(each, functools.partial(_objects.pop, key)), stack)


def note(known: dict[str, dict[Stack, None]], name: str, stack: Stack) -> None:
    """Note a stack under a name; of many names the oldest is forgotten."""
    if stack:
        known.setdefault(name, {})[stack] = None
        if len(known) > MOST:
            del known[next(iter(known))]


_LISTENERS: Mapping[str, Callable[[str, tuple[Any, ...], FrameType], None]] = {
    "open": opening,
    "os.scandir": scanning,
    "sqlite3.connect": scanning,
    "socket.__new__": socketing,
    "socket.bind": addressing,
    "socket.connect": addressing,
    "mmap.__new__": mapping,
    "_thread.start_new_thread": starting,
    "_thread.start_joinable_thread": starting,
    "subprocess.Popen": spawning,
    "os.posix_spawn": spawning,
    "os.fork": forking,
    "os.forkpty": forking,
}


def found(item: Item, owner: object, everything: Iterable[Item] = ()) -> tuple[Stack, ...]:
    """Return the stacks that may have made a thing: the one that did, several of which one did.

    ``owner`` is its object of Python; ``everything`` are the descriptors that are open now.
    """
    if own := of_object(owner):
        return (own,)
    stacks_of: Iterable[Stack] = ()
    match item:
        case Descriptor(kind="socket"):
            stacks_of = filter(None, (_sockets.get(item.inode),))
        case Descriptor():
            stacks_of = of_descriptor(item, owner, everything)
        case MappedFile(path=path) if owner is not None:  # or it is native code's
            stacks_of = _mapping.get(path.removesuffix(GONE), ()) or _mapping.get(path, ())
        case TempFile(path=path):
            stacks_of = filter(None, (tempfiles.origin(path),))
        case Process(command=command, parent=parent) if parent in (0, os.getpid()):
            forked = command == own_command()
            stacks_of = _commands.get(command, ()) or (_forks if forked else ())
    return tuple(stacks_of)


def of_object(owner: object) -> Stack:
    """Return the stack that made an object."""
    known = _objects.get(id(owner))
    return known[1] if known and known[0]() is owner and owner is not None else ()


def of_descriptor(item: Descriptor, owner: object, everything: Iterable[Item]) -> tuple[Stack, ...]:
    """Return the stack that opened a descriptor, if what stands there is what it opened."""
    every = [_taking.get(item.number), _wrapping.get(item.number)]
    known = [each for each in every if each and fits(each, item, owner)]
    if not known:
        return ()
    newest = max(known, key=lambda each: each.moment)
    alone = newest.mode is None and newest.event != "mmap" and owner is None
    if alone and (duplicates(item, newest, everything) or otherwise(newest, item)):
        return ()
    others = _crowd.get(newest.name, {}) if newest.name else {}
    near = (stack for stack, moment in others.items() if moment > newest.moment - CROWDED)
    return (newest.stack, *near)


def otherwise(known: Opening, item: Descriptor) -> bool:
    """Tell whether a descriptor was opened with other flags than those of an event.

    Then a number and a path that an event told of were used again by native code.
    """
    if not procfs.LINUX or not isinstance(known.flags, int):
        return False
    with suppress(OSError, ValueError, IndexError):
        fields = procfs.text(f"/proc/self/fdinfo/{item.number}").split()
        return bool((int(fields[fields.index("flags:") + 1], 8) ^ known.flags) & FLAGS)
    return False


def duplicates(item: Descriptor, known: Opening, everything: Iterable[Item]) -> bool:
    """Tell whether a bare descriptor is the duplicate of one that was opened before.

    Then what is known of its number is of one that is closed by now.
    """
    for other in everything:
        if isinstance(other, Descriptor) and other.number != item.number:
            same = (other.device, other.inode) == (item.device, item.inode)
            if same and descriptions.shared(item.number, other.number):
                first = _taking.get(other.number)
                return bool(first and first.moment < known.moment and at(first.name, other))
    return False


def fits(known: Opening, item: Descriptor, owner: object) -> bool:
    """Tell whether a descriptor is what an event opened."""
    if known is _wrapping.get(item.number):
        return bare.within(owner, io.FileIO)
    if isinstance(known.mode, str) and owner is None:
        return False
    return at(known.name, item) or (known.name is not None and called(owner) == known.name)


def called(owner: object) -> str | None:
    """Return the path that a file object was opened by."""
    return whole(bare.attributes(owner).get("name")) if bare.within(owner, io.FileIO) else None


def at(path: object, item: Descriptor) -> bool:
    """Tell whether a descriptor's file is, or was, at a path, or has no name and is in that folder.

    The kernel writes the path without symbolic links; only the file itself tells then.
    """
    if not isinstance(path, str):
        return False
    name = os.path.normpath(path).removesuffix(GONE)
    if item.target.removesuffix(GONE) == name:
        return True
    if item.target.startswith(name) and NAMELESS.fullmatch(item.target, len(name.rstrip(os.sep))):
        return True
    with suppress(OSError, ValueError):
        status = os.stat(name)  # noqa: PTH116
        return (status.st_dev, status.st_ino) == (item.device, item.inode)
    return os.path.realpath(name) == item.target.removesuffix(GONE)


def own_command() -> str:
    """Return the command line of this process, which a child that was forked off has, too."""
    found = processes.describe(os.getpid())
    return found.command if found else ""
