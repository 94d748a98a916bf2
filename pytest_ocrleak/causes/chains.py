"""How one object refers to the next, in words: ``module app → _cache['k'] → OcrEngine.session``."""

import gc
import io
import threading
import types
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from pytest_ocrleak.causes.bare import (
    CACHE,
    METHODS,
    RUNS,
    UNKNOWN,
    attributes,
    dict_of,
    key,
    kind_name,
    members,
    noun,
    own_name,
    parts,
    plainly,
    variables,
    where,
    within,
)

ROWS = (list, tuple, deque, set, frozenset)
CONTAINERS = (dict, *ROWS)
LAYERS = (io.BufferedIOBase, io.TextIOBase)
Path = Sequence[Any]  # each object refers to the next one
Step = tuple[str, int]  # in words, and how many references they tell


def told(path: Path, start: str = "") -> str:
    """Return in words how the first object of a path leads to the last one.

    ``start`` says where the first one is. What is found under its own name is named once.
    """
    said = [start] if start else []
    while len(path) > 1:
        text, used = step(path)
        if text.startswith("["):
            said = [*said[:-1], (said[-1] if said else kind_name(path[0])) + text]
        elif said[-1:] != [text]:
            said = [*(each.removesuffix(f" → {own_name(path[0])}") for each in said), text]
        path = path[used:]
    return " → ".join(said)


def outermost(path: Path) -> Path:
    """Leave out the layers of a file that lie within another one of its layers."""
    while len(path) > 1 and within(path[-1], io.IOBase) and within(path[-2], LAYERS):
        path = path[:-1]
    return path


def step(path: Path) -> Step:
    """Tell the first reference of a path, and those that say nothing without it."""
    tellers = (tell for kinds, tell in TELLERS if within(path[0], kinds))
    return next(tellers, of_object)(path)


def of_object(path: Path) -> Step:
    """Tell an attribute, be it in a dict, a slot, or a member of a type that is written in C."""
    each, held, *rest = path
    link = " → " if within(each, (types.ModuleType, threading.Thread)) else "."
    own = attributes(each)
    in_dict = held is own and bool(rest)
    name = where(dict.items(own) if in_dict else parts(each), rest[0] if in_dict else held, plainly)
    return f"{noun(each)}{link}{name}", 1 + in_dict


def of_container(path: Path) -> Step:
    """Tell a key or a position, or an attribute of a container of a type of its own."""
    each, held = path[:2]
    if within(each, dict):
        place = key(each, held)
    else:
        kind: Any = next(kind for kind in ROWS if within(each, kind))
        place = where(enumerate(list(kind.__iter__(each))), held)
        place = "…" if kind in (set, frozenset) and place != UNKNOWN else place
    return of_object(path) if place == UNKNOWN else (f"[{place}]", 1)


def of_class(path: Path) -> Step:
    """Tell an attribute of a class."""
    each, held, *rest = path
    if rest and held is gc.get_referents(dict_of(each))[0]:
        return f"{noun(each)}.{where(dict.items(held), rest[0], plainly)}", 2
    return of_object(path)


def of_function(path: Path) -> Step:
    """Tell what a function brought along."""
    each, held, *rest = path
    code = each.__code__
    if rest and held is each.__closure__:
        name = where(zip(code.co_freevars, held, strict=True), rest[0])
        return f"closure variable {name} of {own_name(each)}", 3 if rest[1:] else 2
    if rest and held is each.__defaults__:
        names = code.co_varnames[: code.co_argcount][-len(held) :]
        name = where(zip(names, held, strict=True), rest[0])
        return f"{noun(each)}, default argument {name}", 2
    if rest and held is each.__kwdefaults__:
        return f"{noun(each)}, default argument {key(held, rest[0])}", 2
    if rest and held is each.__globals__:
        return f"{noun(each)}, global {key(held, rest[0])}", 2
    return of_object(path)


def of_run(path: Path) -> Step:
    """Tell a local variable of a frame, or of what is suspended."""
    each, held, *rest = path
    frame = getattr(each, f"{RUNS[type(each)]}frame") if type(each) in RUNS else each
    cell = type(held) is types.CellType and bool(rest)
    name = key(variables(frame), rest[0] if cell else held) if frame else UNKNOWN
    return noun(each) + (f" → local {name}" if name != UNKNOWN else ""), 1 + cell


def of_cache(path: Path) -> Step:
    """Tell that a function's result is cached, or an argument: the two look the same."""
    each, held, *rest = path
    if held is attributes(each) or where(members(each), held) != UNKNOWN:
        return of_object(path)
    return noun(each), 2 if type(held) is dict and rest else 1


def of_local(path: Path) -> Step:
    """Tell a value that is a thread's own: weak references lead to the dict of each thread."""
    thread = path[2:4]
    return (f"thread-local value {key(*thread)}", 3) if thread[1:] else of_object(path)


def of_error(path: Path) -> Step:
    """Tell what an exception keeps: its traceback above all."""
    each, held = path[:2]
    if held is each.__traceback__:
        return noun(each), 1
    others = [(f"__{name}__", getattr(each, f"__{name}__")) for name in ("cause", "context")]
    name = where([*others, ("args", each.args)], held, plainly)
    return of_object(path) if name == UNKNOWN else (f"{noun(each)}.{name}", 1)


def of_named(path: Path) -> Step:
    """Tell what is clear by its name: a traceback, or a method of an object."""
    return noun(path[0]), 1


TELLERS: list[tuple[Any, Callable[[Path], Step]]] = [
    (CONTAINERS, of_container),
    (type, of_class),
    (types.FunctionType, of_function),
    ((types.FrameType, *RUNS), of_run),
    (CACHE, of_cache),
    (threading.local, of_local),
    (BaseException, of_error),
    ((types.TracebackType, *METHODS), of_named),
]
