"""The objects of Python that things belong to, and the objects that threads work for."""

import gc
import io
import select
import socket
import sys
import threading
import types
from collections.abc import Iterable, Iterator, Mapping

from pytest_ocrleak.inventory import Descriptor, Item, Thread


def found(items: Iterable[Item]) -> Mapping[Item, object]:
    """Return the objects of Python that things belong to, where there is one."""
    known: dict[Item, object] = {}
    wanted = {item.number: item for item in items if isinstance(item, Descriptor)}
    for number, owner in opened() if wanted else ():
        if number in wanted:
            known[wanted[number]] = owner
    tids = {item.tid: item for item in items if isinstance(item, Thread)}
    for thread in threading.enumerate() if tids else ():
        if thread.native_id in tids:
            known[tids[thread.native_id]] = thread
    return known


def opened() -> Iterator[tuple[int, object]]:
    """Yield every open file, socket and selector of Python with its descriptor."""
    kinds = (io.FileIO, socket.socket, *filter(None, [getattr(select, "epoll", None)]))
    for each in gc.get_objects():
        if issubclass(type(each), kinds):
            try:
                yield each.fileno(), each
            except (OSError, ValueError):  # closed
                continue


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
        owner = frame.f_locals.get("self")
        if owner is not None and owner is not thread and gc.is_tracked(owner):
            yield owner
