"""What Python is about to do, as the interpreter tells audit hooks (PEP 578), and in which code.

A hook can never be taken away again and hears of everything, so there is one for all who listen.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from genericpath import isdir
from itertools import pairwise
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any

from pytest_ocrleak.causes import bare

Listener = Callable[[tuple[Any, ...]], None]
Stack = tuple[Any, ...]  # code and instruction of each frame in turn, the innermost first
DEEPEST = 60  # frames that are looked at
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120
MACHINERY = (f"{os.sep}_pytest{os.sep}", f"{os.sep}pluggy{os.sep}", PACKAGE)
USED = {each.__code__.co_filename for each in (os.fsdecode, os.path.join, isdir)}
_listeners: dict[str, tuple[Listener, ...]] = {}
_forgetful: list[Callable[[], None]] = []
_wanted = [0]
_machinery: dict[str, bool] = {}


def listen(event: str, listener: Listener) -> None:
    """Have all further events of a name told, with their arguments."""
    _begin()
    _listeners[event] = (*_listeners.get(event, ()), listener)


def at_rest(forgetting: Callable[[], None]) -> None:
    """Have something forgotten whenever the process is brought to rest."""
    _forgetful.append(forgetting)


def forget() -> None:
    """Have all forget who keep a note of what is gone."""
    _machinery.clear()  # code that is made anew has a name of its own each time
    for forgetting in _forgetful:
        forgetting()


@functools.cache
def _begin() -> None:
    sys.addaudithook(_tell)


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    for listener in _listeners.get(event, ()):
        try:
            listener(arguments)
        except Exception as error:
            if not ours(error):
                raise


def ours(error: Exception) -> bool:
    """Tell whether an error is a listener's, and not a signal's handler's, say of a time limit.

    A handler runs wherever the interpreter happens to be, and what it raises is the user's. What
    an audit hook of the user's says to a listener is not.
    """
    try:
        frames = [frame for frame, _ in walk_tb(error.__traceback__)]
        asked = type(error).__module__ == "builtins" or not own(frames[-1].f_code.co_filename)
        return asked and not any(map(handles, frames))
    except Exception:  # noqa: BLE001 - of such a hook
        return True


def own(file: str) -> bool:
    """Tell whether code of a file runs where nothing but a listener does."""
    return file.startswith(PACKAGE) or file in USED


def handles(frame: FrameType) -> bool:
    """Tell whether a frame is that of a signal's handler: it was given a number and a frame."""
    code, values = frame.f_code, bare.variables(frame)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + 1]
    given = [values.get(name) for name in names]
    rows = [given, *(each for each in given if type(each) is tuple)]
    return any((int, FrameType) in pairwise(map(type, row)) for row in rows)


@functools.cache
def base() -> str:
    """Return the folder that the process was in at first, with a separator; nothing if unknown."""
    with suppress(OSError):
        return os.getcwd().rstrip(os.sep) + os.sep  # noqa: PTH109 - a prefix of names
    return ""


def wanted() -> bool:
    """Tell whether anybody wants stacks now."""
    return _wanted[0] > 0


def want() -> None:
    """Have stacks kept from now on."""
    _wanted[0] += 1


@contextmanager
def wanting() -> Iterator[None]:
    """Have stacks kept for a while."""
    want()
    try:
        yield
    finally:
        _wanted[0] -= 1


def stack(frame: FrameType | None) -> Stack:
    """Return the frames from one outwards, up to pytest or this plugin, none where it is ours.

    The machinery inside of the first frame is left out, too: ``tmp_path_factory.mktemp`` is called
    by somebody. Lines are found when they are told: few ever are. Each look at a frame's code is an
    event of its own, so there is one for each frame.
    """
    found: list[Any] = []
    room = DEEPEST
    while frame is not None and room:
        code = frame.f_code
        if not machinery(code):
            found += code, frame.f_lasti
        elif found or (room == DEEPEST and code.co_filename.startswith(PACKAGE)):
            break
        frame = frame.f_back
        room -= 1
    return tuple(found)


def machinery(code: CodeType) -> bool:
    """Tell whether code is pytest's or this plugin's."""
    name = code.co_filename
    known = _machinery.get(name)
    if known is None:
        known = _machinery[name] = any(part in name for part in MACHINERY)
    return known
