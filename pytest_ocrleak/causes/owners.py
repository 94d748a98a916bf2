"""The objects of Python that things belong to, and the objects that threads work for."""

import ctypes
import gc
import io
import mmap
import select
import socket
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from pytest_ocrleak.causes import bare
from pytest_ocrleak.inventory import Descriptor, Item, MappedFile, Process, TempFile, Thread
from pytest_ocrleak.meters import areas, procfs

Told = Callable[[Any], object]
CLOSES = vars(io.FileIO)["closefd"].__get__


def found(items: Iterable[Item]) -> Mapping[Item, object]:
    """Return the objects of Python that things belong to, where there is one."""
    wanted: dict[tuple[type[Item], object], Item] = {}
    for item in items:
        wanted[type(item), mark(item)] = item
    threads = any(kind is Thread for kind, _ in wanted)
    others = any(kind is not Thread for kind, _ in wanted)
    names = holding(wanted) if others else ()
    named = ((Thread, each.native_id, each) for each in threading.enumerate() if threads)
    known: dict[Item, object] = {}
    for kind, name, each in (*named, *names):
        if (kind, name) in wanted:
            known[wanted[kind, name]] = each
    return known


def mark(item: Item) -> object:
    """Return what an object tells of the thing that it holds: a number, an id or a path.

    Shared memory without a file has the same path everywhere, and an inode of its own.
    """
    match item:
        case Descriptor(number=number):
            return number
        case Thread(tid=tid):
            return tid
        case Process(pid=pid):
            return pid
        case MappedFile():
            return item.key
    return getattr(item, "path", None)


def holding(kinds: Iterable[tuple[type[Item], object]]) -> Iterator[tuple[type[Item], object, Any]]:
    """Yield every object of Python that holds things of some kinds, with what it tells of them."""
    wanted = {kind for kind, _ in kinds}
    told = [(types_of, kind, tell) for types_of, kind, tell in holders() if kind in wanted]
    known: dict[type, list[tuple[type[Item], Told]]] = {}
    for each in gc.get_objects():
        own = type(each)
        tells = known.get(own)
        if tells is None:
            tells = [(kind, tell) for types_of, kind, tell in told if issubclass(own, types_of)]
            known[own] = tells
        for kind, tell in tells:
            with suppress(Exception):  # closed, or half made
                yield kind, tell(each), each


def holders() -> Iterator[tuple[tuple[type, ...], type[Item], Told]]:
    """Yield types, the kind of thing that their objects hold, and how they tell which one."""
    polls = filter(None, (getattr(select, name, None) for name in ("epoll", "kqueue")))
    yield (io.FileIO,), Descriptor, number
    yield (socket.socket,), Descriptor, socket.socket.fileno
    yield tuple(polls), Descriptor, lambda each: each.fileno()
    yield (subprocess.Popen,), Process, lambda each: bare.attributes(each)["pid"]
    processes = sys.modules.get("multiprocessing.process")
    if processes:
        yield (processes.BaseProcess,), Process, lambda each: bare.attributes(each)["_popen"].pid
    folders = tempfile.TemporaryDirectory, tempfile._TemporaryFileWrapper  # noqa: SLF001
    yield folders, TempFile, lambda each: bare.attributes(each)["name"]
    places = areas_of_files() if procfs.LINUX else []
    yield (mmap.mmap,), MappedFile, lambda each: file_at(places, address(each))


def number(each: io.FileIO) -> int:
    """Return the descriptor that a file object keeps open.

    Raises
    ------
    ValueError
        It is closed, or does not close it (``closefd=False``).

    """
    if not CLOSES(each):
        raise ValueError
    return io.FileIO.fileno(each)


def areas_of_files() -> list[areas.Area]:
    """Return the areas of the address space that have a file."""
    return [area for area in areas.parse(procfs.text("/proc/self/maps")) if area.inode]


def file_at(places: Iterable[areas.Area], where: int) -> tuple[str, int, str]:
    """Return device, inode and path of the file that is mapped at an address."""
    found = next(area for area in places if area.start <= where < area.end)
    return found.device, found.inode, found.path


class Buffer(ctypes.Structure):
    """The memory behind an object (Py_buffer, PEP 3118): its address, and more than we need."""

    _fields_ = (("address", ctypes.c_void_p), ("rest", ctypes.c_char * 128))


def address(each: Any) -> int:
    """Return where an object's memory begins; read-only memory, too, which ctypes refuses."""
    python, buffer = ctypes.pythonapi, Buffer()
    python.PyObject_GetBuffer(ctypes.py_object(each), ctypes.byref(buffer), 0)
    try:
        return int(buffer.address or 0)
    finally:
        python.PyBuffer_Release(ctypes.byref(buffer))


def frames(thread: object) -> Iterator[types.FrameType]:
    """Yield the frames that a thread runs now, the innermost first."""
    if isinstance(thread, threading.Thread):
        frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - made for debuggers
        while frame:
            yield frame
            frame = frame.f_back


def works_for(thread: object) -> Iterator[object]:
    """Yield the objects whose code a thread runs: its target, and what its frames call ``self``."""
    target = getattr(thread, "_target", None) if isinstance(thread, threading.Thread) else None
    yield from filter(None, (target, getattr(target, "__self__", None)))
    for frame in frames(thread):
        owner = bare.variables(frame).get("self")
        if owner is not None and owner is not thread and gc.is_tracked(owner):
            yield owner


def working(items: Iterable[Item]) -> Iterator[object]:
    """Yield the threads of Python among some things, and the frames that they run now."""
    threads = [item for item in items if isinstance(item, Thread) and item.python]
    for thread in found(threads).values() if threads else ():
        yield thread
        yield from frames(thread)


def numbers(items: Iterable[Item]) -> frozenset[int]:
    """Return the numbers of the descriptors among some things."""
    return frozenset(item.number for item in items if isinstance(item, Descriptor))


def ancestors(item: Item, processes: Iterable[Item]) -> Iterator[int]:
    """Yield which of some processes a process descends from, up to this one."""
    parents = {each.pid: each.parent for each in processes if isinstance(each, Process)}
    pid = item.pid if isinstance(item, Process) else 0
    while pid := parents.pop(pid, 0):
        yield pid
