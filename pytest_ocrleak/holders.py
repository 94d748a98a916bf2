"""What living objects hold: the things that can be reached from them, or that may be behind them.

A connection that a test made through a pool is the pool's, and nobody's leak as long as that lives.
Where the thing has an object of Python, that object is looked for among all that can be reached;
where it has none, a number that stands for it, or a native object that may hide it.
"""

import gc
import io
import os
import socket
import sys
import threading
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from typing import Any

from pytest_ocrleak.inventory import Descriptor, Item, Process, TempFile, Thread

MOST = 500_000  # objects that are looked at; in more of them anything may hide
CLOSED = (types.ModuleType, type, types.CodeType)
VALUES = (int, str, PurePath)
OTHERS = ("_pytest.", "pluggy.", "pytest_ocrleak.")  # whose objects know every fixture
NATIVE = (types.MethodDescriptorType, types.WrapperDescriptorType, types.BuiltinFunctionType)
PLAIN = frozenset(  # modules whose native types hold nothing but objects
    [
        "builtins",
        "types",
        "collections",
        "functools",
        "itertools",
        "operator",
        "re",
        "datetime",
        "decimal",
        "enum",
        "string",
        "weakref",
        "abc",
        "typing",
        "contextlib",
        "contextvars",
        "asyncio",
        "_asyncio",
        "_thread",
        "threading",
        "pathlib",
        "random",
        "_random",
        "_collections",
        "_functools",
        "_abc",
        "_weakref",
        "_weakrefset",
        "_contextvars",
        "_struct",
        "struct",
        "_queue",
        "queue",
        "_io",
        "io",
        "_socket",
        "socket",
        "array",
        "_decimal",
        "zoneinfo",
        "uuid",
        "fractions",
        "logging",
    ]
)


@dataclass(slots=True)
class Reach:
    """What was found from some roots.

    ``seen`` are the identities of all objects, ``numbers`` and ``names`` what may stand for a
    descriptor, a thread, a process or a path; ``opaque`` tells whether native objects were among
    them that may hold anything.
    """

    seen: set[int] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    opaque: bool = False

    def holds(self, item: Item, owners: Mapping[Item, object]) -> bool:
        """Tell whether a thing is held from there, or may be."""
        owner = owners.get(item)
        if isinstance(item, TempFile):
            return any(item.path == name or item.path.startswith(f"{name}/") for name in self.names)
        if owner is None:
            return self.opaque or number_of(item) in self.numbers
        if id(owner) in self.seen:
            return True
        return any(id(each) in self.seen for each in works_for(owner))


def reach(roots: Iterable[object]) -> Reach:
    """Follow references from some objects, as the garbage collector knows them.

    Modules, classes and the globals of functions are left out: from there everything can be
    reached, and nothing is let go with the object. Types are asked for by ``type``, since a proxy
    may do anything when it is asked for its class.
    """
    found, waiting = Reach(), list(roots)
    while waiting:
        each = waiting.pop()
        kind: Any = type(each)
        if issubclass(kind, VALUES):
            note(found, each)
        elif id(each) not in found.seen and not issubclass(kind, CLOSED) and not foreign(kind):
            found.seen.add(id(each))
            found.opaque = found.opaque or opaque(kind) or len(found.seen) > MOST
            if len(found.seen) <= MOST:
                waiting.extend(referents(each))
    return found


def note(found: Reach, value: object) -> None:
    """Note what may stand for a thing: a number, or a path."""
    if isinstance(value, int):
        found.numbers.add(value)
    elif os.sep in (name := str(value)):
        found.names.add(name.rstrip(os.sep))


@cache
def foreign(kind: Any) -> bool:
    """Tell whether a type is, or derives from, one of pytest's."""
    return any(f"{base.__module__}.".startswith(OTHERS) for base in kind.__mro__)


def referents(each: object) -> Iterable[object]:
    """Return what an object refers to; of a function only what it brought along."""
    if isinstance(each, types.FunctionType):
        return (each.__defaults__, each.__kwdefaults__, each.__closure__, each.__dict__)
    if isinstance(each, types.FrameType):
        return (each.f_locals,)
    return gc.get_referents(each)


@cache
def opaque(kind: Any) -> bool:
    """Tell whether objects of a type may hold native things that cannot be seen.

    Such a type, or one that it derives from, is written in C, and is none of the plain ones.
    """
    return any(
        str(base.__module__).partition(".")[0] not in PLAIN
        and any(isinstance(value, NATIVE) for value in vars(base).values())
        for base in kind.__mro__[:-1]
    )


def number_of(item: Item) -> int:
    """Return the number that stands for a thing, -1 where none does."""
    match item:
        case Descriptor():
            return item.number
        case Thread():
            return item.tid
        case Process():
            return item.pid
    return -1


def owners(items: Iterable[Item]) -> Mapping[Item, object]:
    """Return the objects of Python that things belong to, where there is one."""
    wanted = {item.number: item for item in items if isinstance(item, Descriptor)}
    tids = {item.tid: item for item in items if isinstance(item, Thread)}
    found: dict[Item, object] = {}
    for number, owner in opened() if wanted else ():
        if number in wanted:
            found[wanted[number]] = owner
    for thread in threading.enumerate():
        if thread.native_id in tids:
            found[tids[thread.native_id]] = thread
    return found


def opened() -> Iterator[tuple[int, object]]:
    """Yield every open file and socket of Python with its descriptor."""
    for each in gc.get_objects():
        if isinstance(each, (io.FileIO, socket.socket)):
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
    """Yield the objects whose code a thread runs: what its frames call ``self``."""
    for frame in frames(thread):
        owner = frame.f_locals.get("self")
        if owner is not None and owner is not thread and gc.is_tracked(owner):
            yield owner
