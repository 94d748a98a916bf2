"""The frames of an allocation as text: those of the code, without the machinery around it.

Python's read ``tests/test_x.py:12 in load``, from the working folder on where they lie below it;
native ones ``load model.c:12``, or ``load (native)`` where their library tells no lines. What the
interpreter, pytest, memray and this plugin do in between is left out.
"""

import ctypes
import functools
import importlib.util
import itertools
import os
import re
from typing import Any

from pytest_ocrleak.causes import stacks

Frame = tuple[str, str, int]  # function, file, line, as memray has them
Frames = tuple[str, ...]
MACHINERY = ("pytest_ocrleak", "pytest", "_pytest", "pluggy", "memray")
UNKNOWN = "<unknown>"  # as memray says it
NAMELESS = "native code without symbols"
LONGEST = 120  # characters of a native function, whose templates can fill pages
SOURCES = ("Include/", "Modules/", "Objects/", "Parser/", "Python/")  # of CPython, as built there
CALLS = re.compile(r"(cfunction|method|slot|type|wrap|vectorcall|ffi)_\w+|trace_call_function")
OWN = re.compile(r"[^/<].*:\d+ in ")
SHOWN = 6  # of the user's frames


def told(record: Any) -> Frames:
    """Return the frames of one of memray's records, the innermost first.

    memray itself leaves out what lies beyond the function that began to trace. Several alike in a
    row (a recursion, a library without symbols) are one.
    """
    python = set(record.stack_trace())
    lines = (line(frame, python=frame in python) for frame in record.hybrid_stack_trace())
    return tuple(name for name, _ in itertools.groupby(filter(None, lines)))


def line(frame: Frame, *, python: bool) -> str:
    """Return one frame as text, nothing where it belongs to the machinery."""
    function, file, number = frame
    if python:
        return "" if file.startswith(machinery()) else f"{local(file)}:{number} in {function}"
    if interpreters(function, file) or file.endswith("/_memray.cpp"):
        return ""
    if function == UNKNOWN:
        return NAMELESS
    short = function if len(function) <= LONGEST else f"{function[:LONGEST]}…"
    return f"{short} (native)" if file == UNKNOWN else f"{short} {os.path.basename(file)}:{number}"  # noqa: PTH119 - a name, no file here


@functools.cache
def machinery() -> tuple[str, ...]:
    """Return the folders of the packages whose frames are left out."""
    found = (importlib.util.find_spec(name) for name in MACHINERY)
    return tuple(str(spec.origin).removesuffix("__init__.py") for spec in found if spec)


def local(file: str) -> str:
    """Return a file's path from the working folder on, if it is the user's own and lies there."""
    return file if stacks.library(file) else stacks.relative(file)


def interpreters(function: str, file: str) -> bool:
    """Tell whether a native frame is CPython's own or of ctypes, by its source or by its name."""
    if file != UNKNOWN:
        return file.removeprefix("./").startswith(SOURCES) or "/Modules/_ctypes/" in file
    return bool(CALLS.match(function)) or (
        function.startswith(("Py", "_Py")) and exported(function)
    )


@functools.cache
def exported(function: str) -> bool:
    """Tell whether the interpreter has a function; extensions have some of such names, too."""
    try:
        return bool(ctypes.pythonapi[function])
    except AttributeError:
        return False


def places(frames: Frames) -> tuple[str, ...]:
    """Return a stack in the lines of a leak: the user's frames, then what was inside of them.

    That is what the innermost of them called, and what allocated in the end. Where no frame is the
    user's it is the outermost.
    """
    users = [frame for frame in frames if OWN.match(frame)]
    inside = list(itertools.takewhile(lambda frame: not OWN.match(frame), frames))
    ends = dict.fromkeys((*inside[-1:], *inside[:1]))
    return (*users[:SHOWN], *(f"inside {frame}" for frame in ends))
