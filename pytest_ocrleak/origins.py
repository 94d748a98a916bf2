"""Who opened it: the stack that made each thing, as the interpreter's audit events tell.

Nothing is known by then of what will come of it but this: whoever opens a descriptor gets the
lowest free number. So that is noted with the stack, and what stands there later is the thing if it
fits. A thread, socket or child has an object that tells it for sure. What native code opens, and
``os.dup``, have no event: of them nothing is claimed.
"""

import functools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType, MethodType
from typing import Any, NamedTuple

from pytest_ocrleak.inventory import Descriptor, Item, MappedFile, Process, TempFile
from pytest_ocrleak.meters import descriptions, events, pulse, tempfiles
from pytest_ocrleak.meters.events import Stack

MOST = 1000  # mapped paths, and commands, that are remembered
GONE = " (deleted)"


class Opening(NamedTuple):
    """An event that takes a descriptor: its name, what was opened, the stack, and when.

    ``mode`` is that of a file object, nothing for a bare descriptor.
    """

    event: str
    name: object
    mode: object
    stack: Stack
    serial: int


_taking: dict[int, Opening] = {}  # by the number that it is to get
_wrapping: dict[int, Opening] = {}  # by the number that an object was made for
_objects: dict[int, tuple[Callable[[], object], Stack]] = {}
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
    for name, listener in _LISTENERS.items():
        events.listen(name, functools.partial(hear, name, listener))
    if sys.version_info < (3, 12):  # which has no event for threads
        hear_threads()


def hear_threads() -> None:
    """Have `threading` tell of the threads that it is about to start."""
    start = threading._start_new_thread  # type: ignore[attr-defined]  # noqa: SLF001

    @functools.wraps(start)
    def told(*arguments: Any) -> object:
        if events.wanted():
            try:
                starting("", arguments, sys._getframe(1))  # noqa: SLF001
            except Exception as error:  # noqa: BLE001 - or what the user does would raise it
                if not events.ours(error):
                    raise
        return start(*arguments)

    threading._start_new_thread = told  # type: ignore[attr-defined]  # noqa: SLF001


def hear(name: str, listener: Callable[[str, tuple[Any, ...], FrameType], None], told: Any) -> None:
    """Note an event with its stack, while anybody wants that."""
    if events.wanted():
        listener(name, told, sys._getframe(2))  # noqa: SLF001 - as logging and warnings do


def take(name: str, what: object, mode: object, stack: Stack) -> None:
    """Note what is about to take the lowest free number."""
    if stack:
        _taking[pulse.lowest()] = Opening(name, what, mode, stack, events.serial())


def opening(name: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a file that is about to be opened, or the object that is made for a descriptor."""
    path, mode = told[:2]
    stack = events.stack(frame)
    if isinstance(path, int):
        _wrapping[path] = Opening(name, path, mode, stack, events.serial())
    else:
        take(name, whole(path), mode, stack)


def whole(path: object) -> object:
    """Return a path from the root on, for the folder that the process is in may change."""
    if isinstance(path, (str, bytes)) and not os.path.isabs(path):  # noqa: PTH117 - must cost little
        return os.path.join(os.getcwd(), os.fsdecode(path))  # noqa: PTH109, PTH118
    return path


def scanning(name: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a folder that is about to be read, or a database to be opened."""
    take(name, whole("." if told[0] is None else told[0]), None, events.stack(frame))


def socketing(name: str, told: tuple[Any, ...], frame: FrameType) -> None:
    """Note a socket; one that is made for a descriptor (accepted, one of a pair) has its number."""
    stack = events.stack(frame)
    remember(told[0], stack)
    number = frame.f_locals.get("fileno")
    if isinstance(number, int):
        _wrapping[number] = Opening(name, number, None, stack, events.serial())
    else:
        take(name, None, None, stack)


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
    remember(frame.f_locals.get("self"), stack)
    program, arguments = told[0], told[1]
    words = [arguments] if isinstance(arguments, (str, bytes)) else list(arguments or [program])
    note(_commands, " ".join(map(os.fsdecode, words)), stack)


def forking(_: str, __: tuple[Any, ...], frame: FrameType) -> None:
    """Note that a child is about to be forked off, by the object that does it or by the stack."""
    stack = events.stack(frame)
    remember(frame.f_locals.get("process_obj"), stack)  # in multiprocessing.popen_fork
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
        case Descriptor():
            stacks_of = of_descriptor(item, owner, everything)
        case MappedFile(path=path):
            stacks_of = _mapping.get(path.removesuffix(GONE), ()) or _mapping.get(path, ())
        case TempFile(path=path):
            stacks_of = filter(None, (tempfiles.origin(path),))
        case Process(command=command):
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
    newest = max(known, key=lambda each: each.serial)
    bare = newest.mode is None and newest.event != "mmap" and owner is None
    if bare and duplicates(item, newest, everything):
        return ()
    return (newest.stack,)


def duplicates(item: Descriptor, known: Opening, everything: Iterable[Item]) -> bool:
    """Tell whether a bare descriptor is the duplicate of one that was opened before.

    Then what is known of its number is of one that is closed by now.
    """
    for other in everything:
        if isinstance(other, Descriptor) and other.number != item.number:
            same = (other.device, other.inode) == (item.device, item.inode)
            if same and descriptions.shared(item.number, other.number):
                first = _taking.get(other.number)
                return bool(first and first.serial < known.serial and at(first.name, other))
    return False


def fits(known: Opening, item: Descriptor, owner: object) -> bool:
    """Tell whether a descriptor is what an event opened."""
    if isinstance(known.name, int):
        return owner is not None
    if known.event == "socket.__new__":
        return item.kind == "socket" and owner is None
    if isinstance(known.mode, str) and owner is None:
        return False
    return at(known.name, item) or getattr(owner, "name", "") == known.name


def at(path: object, item: Descriptor) -> bool:
    """Tell whether a descriptor's file is, or was, at a path, or has no name and is in that folder.

    The kernel writes the path without symbolic links; only the file itself tells then.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    name = os.path.normpath(os.fsdecode(path)).removesuffix(GONE)
    if item.target.removesuffix(GONE) == name or item.target.startswith(f"{name}/#"):
        return True
    with suppress(OSError, ValueError):
        status = os.stat(name)  # noqa: PTH116
        return (status.st_dev, status.st_ino) == (item.device, item.inode)
    return os.path.realpath(name) == item.target.removesuffix(GONE)


@functools.cache
def own_command() -> str:
    """Return the command line of this process, which a child that was forked off has, too."""
    from pytest_ocrleak.meters import processes  # noqa: PLC0415 - few ask

    found = processes.describe(os.getpid())
    return found.command if found else ""
