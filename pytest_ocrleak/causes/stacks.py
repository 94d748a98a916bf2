"""Stacks in words: the user's frames first, and what of a library they were in."""

import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from types import CodeType
from typing import NamedTuple

from pytest_ocrleak.meters import events
from pytest_ocrleak.meters.events import Stack

SHOWN = 6  # frames of the user's
LIBRARIES = tuple(
    {
        os.path.realpath(path) + os.sep
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_path(name))
    }
)
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
LOCAL = "<locals>."


class Frame(NamedTuple):
    """A function's code and the instruction in it that runs."""

    code: CodeType
    instruction: int

    @property
    def line(self) -> int:
        """The line of the instruction."""
        found = self.code.co_firstlineno
        for start, end, line in self.code.co_lines():
            if start <= self.instruction < end and line:
                found = line
        return found

    @property
    def function(self) -> str:
        """The function's name, with its class where it has one."""
        return self.code.co_qualname.rpartition(LOCAL)[2]

    @property
    def place(self) -> str:
        """File, line and function: ``tests/test_x.py:12 in load``."""
        return self.at(self.line)

    def at(self, line: int) -> str:
        """Return the place at a line of the function."""
        return f"{relative(self.code.co_filename)}:{line} in {self.function}"


def relative(path: str) -> str:
    """Return a path as it is written from where the process began."""
    start = events.base()
    return path[len(start) :] if start and path.startswith(start) else path


@cache
def library(path: str) -> bool:
    """Tell whether a file is Python's own or was installed."""
    if path.startswith("<"):
        return path.startswith("<frozen")
    return any(part in path for part in INSTALLED) or path.startswith(LIBRARIES)


def frames(stack: Stack) -> Iterator[Frame]:
    """Yield the frames of a stack, the innermost first."""
    return (Frame(*pair) for pair in zip(stack[::2], stack[1::2], strict=True))


def told(stack: Stack) -> tuple[str, ...]:
    """Return the lines that tell of a stack: the user's frames, then what of a library was inside.

    Where no frame is the user's the library's are told.
    """
    every = list(frames(stack))
    users = [frame for frame in every if not library(frame.code.co_filename)]
    inside = list(takewhile(lambda frame: library(frame.code.co_filename), every))
    lines = [frame.place for frame in (users or every)[:SHOWN]]
    if users and inside:
        lines.append(f"inside {called(inside[-1])}")
    return tuple(lines)


def first(stack: Stack) -> str:
    """Return the innermost frame of the user's, else the function of a library, else nothing."""
    every = list(frames(stack))
    users = (frame.place for frame in every if not library(frame.code.co_filename))
    return next(users, called(every[0]) if every else "")


def called(frame: Frame) -> str:
    """Return the name of a library's function as one calls it: ``subprocess.Popen.__init__``."""
    return f"{module(frame.code.co_filename)}.{frame.function}"


def module(path: str) -> str:
    """Return the name of the module in a file of a library."""
    for part in (*INSTALLED, *LIBRARIES, f"python{sys.version_info[0]}.{sys.version_info[1]}/"):
        _, found, rest = path.rpartition(part)
        if found:
            path = rest
            break
    name = path.removesuffix(".py").removesuffix(f"{os.sep}__init__").replace(os.sep, ".")
    return name.removeprefix("<frozen ").removesuffix(">")


def origin(stack: Stack) -> str:
    """Return file and function of the first frame that is told, without its folder and line."""
    every = list(frames(stack))
    users = [frame for frame in every if not library(frame.code.co_filename)]
    first = (users or every)[0]
    return f"{os.path.basename(first.code.co_filename)} in {first.function}"  # noqa: PTH119
