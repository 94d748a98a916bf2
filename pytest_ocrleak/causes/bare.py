"""Objects read as the interpreter keeps them: no code of theirs runs, and none of their types'.

So types are asked for by ``type`` and never by ``__class__``, attributes are taken from where they
are stored, things are compared by identity, and only plain keys are shown.
"""

import functools
import inspect
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from itertools import compress
from pathlib import PurePath
from typing import Any

CACHE = type(functools.cache(len))
METHODS = (types.MethodType, types.BuiltinMethodType)
RUNS: dict[Any, str] = {  # what has a frame, with the prefix of its attributes
    types.GeneratorType: "gi_",
    types.CoroutineType: "cr_",
    types.AsyncGeneratorType: "ag_",
}
NAMED: list[tuple[Any, str]] = [
    (type, "class"),
    (types.FunctionType, "function"),
    (METHODS, "bound method"),
    (types.ModuleType, "module"),
    (threading.Thread, "thread"),
    (BaseException, "exception"),
    (CACHE, "lru_cache of"),
    (types.GeneratorType, "generator"),
    (types.CoroutineType, "coroutine"),
    (types.AsyncGeneratorType, "async generator"),
]
STORED = {types.ModuleType: "__name__", threading.Thread: "_name", CACHE: "__qualname__"}
PYTEST = {"FixtureDef": ("fixture", "argname"), "Function": ("test", "name")}
PLAIN = (str, int, float, bool, bytes, type(None))
LONGEST = 40  # characters of a key
UNKNOWN = "?"
HEAP_TYPE, COLLECTED = 1 << 9, 1 << 14  # Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_HAVE_GC
TRACKED = (list, set)  # types in C all of whose objects the collector knows
OURS = 3  # references to what a frame answers: the frame's, the variable's, the question's

dict_of = type.__dict__["__dict__"].__get__  # asked so, since a metaclass may answer anything
mro_of = type.__dict__["__mro__"].__get__
module_of = type.__dict__["__module__"].__get__
name_of = type.__dict__["__qualname__"].__get__
flags_of = type.__dict__["__flags__"].__get__


def within(each: object, kinds: Any) -> bool:
    """Tell whether an object is of some kinds."""
    return issubclass(type(each), kinds)


def of_types(objects: list[Any], kinds: Iterable[type]) -> Iterator[Any]:
    """Return those of some objects that are of one of these types exactly; millions are few."""
    wanted = set(map(id, kinds))
    return compress(objects, map(wanted.__contains__, map(id, map(type, objects))))


def is_collected(kind: type) -> bool:
    """Tell whether the garbage collector knows objects of a type, all or some."""
    return bool(flags_of(kind) & COLLECTED)


def is_hidden(kind: type) -> bool:
    """Tell whether there may be objects of a type that the garbage collector does not know.

    What a class statement made it knows always; types in C may tell it late, or never.
    """
    if any(kind is each for each in TRACKED):
        return False
    made = flags_of(kind) & HEAP_TYPE and "n_sequence_fields" not in dict_of(kind)
    return not (made and is_collected(kind))


def noun(each: Any) -> str:
    """Return what an object is, with its name where it has one."""
    if type(each) is types.FrameType:
        name, file = short(each.f_code.co_qualname), PurePath(each.f_code.co_filename).name
        return f"frame {name}, {file}:{each.f_lineno}"
    word = next((word for kinds, word in NAMED if within(each, kinds)), "")
    return f"{word} {own_name(each)}" if word else of_pytest(each)


def of_pytest(each: Any) -> str:
    """Return the name of an object's type, or what one of pytest's is for users."""
    name = kind_name(each)
    word, attribute = PYTEST.get(name, ("", ""))
    if word and module_of(type(each)) in ("_pytest.fixtures", "_pytest.python"):
        return f"{word} {dict(parts(each)).get(attribute)}"
    return name


def own_name(each: Any) -> str:
    """Return the name that an object goes by."""
    kind = type(each)
    if issubclass(kind, type):
        return short(name_of(each))
    if kind is types.MethodType:
        return own_name(each.__func__)
    if kind in (types.FunctionType, types.BuiltinMethodType, *RUNS):
        return short(each.__qualname__)
    stored = (attributes(each).get(STORED[base]) for base in mro_of(kind) if base in STORED)
    name = next(stored, None)
    return short(name) if type(name) is str else kind_name(each)


def kind_name(each: object) -> str:
    """Return the name of an object's type."""
    return short(name_of(type(each)))


def short(name: str) -> str:
    """Leave out of a qualified name the function that it was defined in."""
    return name.rpartition("<locals>.")[2]


def parts(each: Any) -> list[tuple[Any, Any]]:
    """Return the attributes that an object has for itself."""
    return [*dict.items(attributes(each)), *members(each)]


def attributes(each: Any) -> dict[Any, Any]:
    """Return an object's own dict, whatever its type says of ``__dict__``."""
    for base in mro_of(type(each)):
        found = dict_of(base).get("__dict__")
        if type(found) in (types.GetSetDescriptorType, types.MemberDescriptorType):
            own = found.__get__(each)
            return own if within(own, dict) else {}
    return {}


def members(each: Any) -> Iterator[tuple[str, Any]]:
    """Yield an object's slots that are filled, and what its type in C shows of itself."""
    for base in mro_of(type(each)):
        for name, found in list(dict_of(base).items()):
            if type(found) is types.MemberDescriptorType:
                try:
                    yield name, found.__get__(each)
                except AttributeError:
                    continue


def variables(frame: types.FrameType) -> dict[str, Any]:
    """Return a frame's variables.

    Until Python 3.12 the frame of a function keeps what it answers, and so the values: it is
    emptied, unless somebody else (``locals()``) has it, too.
    """
    answer = frame.f_locals
    copied = dict(answer)
    snapshot = type(answer) is dict and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if snapshot and sys.getrefcount(answer) == OURS:
        answer.clear()
    return copied


def key(table: dict[Any, Any], held: object) -> str:
    """Return the key of a value in a dict, or say that it is a key."""
    items = list(dict.items(table))
    found = where(items, held)
    return "a key" if found == UNKNOWN and any(each is held for each, _ in items) else found


def where(
    pairs: Iterable[tuple[Any, object]], held: object, tell: Callable[[Any], str] | None = None
) -> str:
    """Return what stands beside an object in some pairs."""
    return next(((tell or shown)(each) for each, value in pairs if value is held), UNKNOWN)


def plainly(key: object) -> str:
    """Show an attribute's name without quotes."""
    return key if type(key) is str else shown(key)


def shown(key: Any) -> str:
    """Show a key, shortened; of one that has code of its own only the type."""
    try:
        text = repr(key[:LONGEST] if type(key) in (str, bytes) else key) if plain(key) else ""
    except ValueError:  # an int of more digits than Python writes
        text = ""
    return (text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…") or kind_name(key)


def plain(key: object) -> bool:
    """Tell whether an object is a plain value, or a tuple of such."""
    return type(key) in PLAIN or (type(key) is tuple and all(map(plain, key)))
