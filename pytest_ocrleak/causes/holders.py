"""What living objects hold: the things that can be reached from them, or that may be behind them.

A connection that a test made through a pool is the pool's, and nobody's leak as long as that lives.
Where the thing has an object of Python, that object is looked for among all that can be reached;
where it has none, a number that stands for it, or a native object that may hide it.
"""

import gc
import os
import types
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from typing import Any

from pytest_ocrleak.causes import loops
from pytest_ocrleak.causes.bare import variables
from pytest_ocrleak.causes.owners import works_for
from pytest_ocrleak.inventory import Descriptor, Item, Process, TempFile, Thread

MOST = 500_000  # objects that are looked at; in more of them anything may hide
CLOSED = (types.ModuleType, type, types.CodeType)  # led on by anyone
VALUES = (int, str, PurePath)
ROWS = (list, tuple, set, frozenset, deque)
OTHERS = ("_pytest.", "pluggy.", "pytest_ocrleak.")  # whose objects know every fixture
NATIVE = (types.MethodDescriptorType, types.WrapperDescriptorType, types.BuiltinFunctionType)
_PLAIN = """
    abc array asyncio builtins collections contextlib contextvars csv datetime decimal enum
    fractions functools hashlib io itertools json logging operator pathlib pickle pyexpat queue
    random re select socket ssl string struct threading types typing unicodedata uuid weakref xml
    zlib zoneinfo _abc _asyncio _bisect _blake2 _bz2 _collections _contextvars _csv _decimal
    _elementtree _functools _hashlib _heapq _io _json _locale _lzma _md5 _operator _pickle _queue
    _random _sha1 _sha2 _sha3 _socket _ssl _struct _thread _typing _weakref _weakrefset _zoneinfo
"""
PLAIN = frozenset(_PLAIN.split())  # modules whose native types hold nothing but objects, or nothing


@dataclass(slots=True)
class Reach:
    """What was found from some roots.

    ``seen`` are the identities of all objects. ``numbers`` may stand for a thread or a process,
    ``descriptors`` for a descriptor, ``names`` for a path; ``opaque`` tells whether native objects
    were among them that may hold anything. ``open_now`` are the descriptors that there are, and
    ``employers`` the identities of those for whom an event loop reads or writes one.
    """

    open_now: Collection[int] = ()
    seen: set[int] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    descriptors: set[int] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    opaque: bool = False
    employers: dict[int, list[int]] = field(default_factory=dict)

    def holds(self, item: Item, owners: Mapping[Item, object], line: Iterable[int] = ()) -> bool:
        """Tell whether a thing is held from there, or may be.

        ``line`` are the processes that a process descends from: who holds one holds its children.
        """
        owner = owners.get(item)
        match item:
            case TempFile(path=path):
                return any(path == name or path.startswith(f"{name}/") for name in self.names)
            case Process(pid=pid):
                return bool(self.numbers & {pid, *line})
            case _ if owner is not None:
                return id(owner) in self.seen or self.employs(owner) or self.watches(item)
            case Descriptor(number=number):
                return self.opaque or number in self.descriptors or self.watches(item)
            case Thread(tid=tid):
                return self.opaque or tid in self.numbers
        return self.opaque

    def watches(self, item: Item) -> bool:
        """Tell whether an event loop reads or writes a descriptor for what was found."""
        number = item.number if isinstance(item, Descriptor) else -1
        return not self.seen.isdisjoint(self.employers.get(number, ()))

    def employs(self, owner: object) -> bool:
        """Tell whether a thread works for what was found."""
        return any(id(each) in self.seen for each in works_for(owner))


def reach(roots: Iterable[object], open_now: Collection[int] = ()) -> Reach:
    """Follow references from some objects, as the garbage collector knows them.

    Modules, classes and the globals of functions are left out: from there everything can be
    reached, and nothing is let go with the object. Types are asked for by ``type``, since a proxy
    may do anything when it is asked for its class.
    """
    found, waiting = Reach(open_now), list(roots)
    while waiting:
        each = waiting.pop()
        kind: Any = type(each)
        if issubclass(kind, VALUES):
            note(found, each)
        elif id(each) not in found.seen and not issubclass(kind, CLOSED) and not foreign(kind):
            found.seen.add(id(each))
            found.opaque = found.opaque or opaque(kind) or len(found.seen) > MOST
            if len(found.seen) <= MOST:
                led = referents(each)
                note_employers(found, each)
                found.descriptors |= numbers_in(each, kind, led, found.open_now)
                waiting.extend(led)
    return found


def natives(root: object) -> list[Any]:
    """Return the native objects that may hold anything and can be reached, the nearest first."""
    found, seen, waiting = [], set[int](), deque([root])
    while waiting and len(seen) < MOST:
        each: Any = waiting.popleft()
        kind: Any = type(each)
        if id(each) in seen or issubclass(kind, (*CLOSED, *VALUES)):
            continue
        seen.add(id(each))
        if opaque(kind):
            found.append(each)
        else:
            waiting.extend(referents(each))
    return found


def note(found: Reach, value: object) -> None:
    """Note what may stand for a thing: a number, or a path."""
    if isinstance(value, int):
        found.numbers.add(value)
    elif os.sep in (name := str(value)):
        found.names.add(name.rstrip(os.sep))


def note_employers(found: Reach, each: object) -> None:
    """Note for whom an event loop reads and writes."""
    if loops.rests(each):
        for number, those in loops.employers(each):
            found.employers.setdefault(number, []).extend(those)


def numbers_in(
    each: object, kind: Any, led: Iterable[object], open_now: Collection[int]
) -> set[int]:
    """Return the numbers by which an object may hold descriptors.

    They are those in attributes, local variables and cells, and rows of nothing but descriptors:
    a number in a table of data says nothing.
    """
    if kind is dict:
        return set()
    numbers = {value for value in led if type(value) is int}
    if issubclass(kind, ROWS):
        return numbers if all(number in open_now for number in numbers) else set()
    own = getattr(each, "__dict__", None) if kind.__dictoffset__ else None
    names = own if type(own) is dict else {}
    return numbers | {value for value in names.values() if type(value) is int}


@cache
def foreign(kind: Any) -> bool:
    """Tell whether a type is, or derives from, one of pytest's; its exceptions are anybody's."""
    if issubclass(kind, BaseException):
        return False
    return any(f"{base.__module__}.".startswith(OTHERS) for base in kind.__mro__)


def referents(each: object) -> list[Any]:
    """Return what an object refers to; of a function only what it brought along."""
    if isinstance(each, types.FunctionType):
        return [each.__defaults__, each.__kwdefaults__, each.__closure__, each.__dict__]
    if isinstance(each, types.FrameType):
        return list(variables(each).values())
    if loops.role(each):
        return loops.held(each)
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
