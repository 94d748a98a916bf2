"""Which line a thing comes from that no event of Python tells about: one more run, line by line.

``os.dup``, descriptors that come over a socket, the threads and files of native code: each is seen
at the line after which it is there, and with the function of C that was called there.
"""

import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FrameType
from typing import Any

from pytest_ocrleak.causes import stacks
from pytest_ocrleak.difference import alike, lingering
from pytest_ocrleak.inventory import Cause, Item, Snapshot
from pytest_ocrleak.meters import METERS, events, pulse

SECONDS = 3.0  # that looking line by line may take; then the run goes on without
RUNS = 3  # at most: not every one may leave something
Places = dict[tuple[str, str], list[Cause]]


class Replay:
    """Looks at some meters after each line and each call into C, and notes where things came."""

    def __init__(
        self, names: Iterable[str], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.clock = clock
        self.end = clock() + SECONDS
        self.came: dict[tuple[str, Hashable], Counter[Cause]] = {}
        self.start = {name: self.read(name) for name in names}
        self.there = dict(self.start)
        self.looks = {name: pulse.look(name) for name in self.start}

    def read(self, name: str) -> Snapshot:
        """Return the things of a meter that are there."""
        return Snapshot({name: METERS[name].read()})

    def check(self, frame: FrameType | None, inside: str = "", line: int = 0) -> None:
        """Note what has come as that of a frame, at its line or another one of it."""
        for name, seen in self.looks.items():
            if frame is not None and pulse.look(name) != seen:
                self.note(name, cause(frame, inside, line))
                self.looks[name] = pulse.look(name)  # reading is seen by it, too

    def note(self, name: str, came: Cause) -> None:
        """Note what has come on a meter, and forget what has gone."""
        before, now = self.there[name], self.read(name)
        self.there[name] = now
        there = {item.key for item in now.items(name)}
        for key in list(self.came):  # of which other threads may forget some, too
            if key[0] == name and key[1] not in there:
                self.came.pop(key, None)
        for item in lingering(before, now, name):
            causes = self.came.setdefault((name, item.key), Counter())
            causes[came] += getattr(item, "size", 1)

    def places(self) -> Places:
        """Return where the things came that are there yet, by their names.

        Of a mapping that grew at several it is where it grew by what it grew in all.
        """
        found: Places = {}
        for name, item in self.stayed():
            if causes := self.came.get((name, item.key)):
                grown = getattr(item, "size", 1)
                most = min(causes, key=lambda each: abs(causes[each] - grown))
                found.setdefault((name, alike(item.what)), []).append(most)
        return found

    def stayed(self) -> Iterator[tuple[str, Item]]:
        """Yield what has come and is there yet, with its meter."""
        for name, start in self.start.items():
            yield from ((name, item) for item in lingering(start, self.read(name), name))

    def call(self, frame: FrameType, event: str, _: object) -> "Line | None":
        """Begin to look at a function's lines (sys.settrace)."""
        if event != "call" or self.clock() > self.end:
            return None
        self.check(frame.f_back)
        return None if events.machinery(frame.f_code) else Line(self, frame.f_lineno)

    def profile(self, frame: FrameType, event: str, function: object) -> None:
        """Look before and after a call into C (sys.setprofile)."""
        if self.clock() > self.end or not event.startswith("c_"):
            return
        self.check(frame, "" if event == "c_call" else name(function))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look at all that runs inside, in threads that begin meanwhile, too.

        A profiler in C stays where it is: it could not be set again.
        """
        tracer, profiler = sys.gettrace(), sys.getprofile()
        of_threads = threading.gettrace(), threading.getprofile()
        ours = profiler is None or callable(profiler)
        profile = self.profile if ours else None
        threading.settrace(self.call)
        threading.setprofile(profile)
        if ours:
            sys.setprofile(profile)
        sys.settrace(self.call)
        try:
            yield
        finally:
            sys.settrace(tracer)
            if ours:
                sys.setprofile(profiler)
            threading.settrace(of_threads[0])
            threading.setprofile(of_threads[1])
            self.end = -math.inf  # for threads and generators that go on


class Line:
    """The line of a frame that runs, as the trace function of that frame."""

    def __init__(self, replay: Replay, number: int) -> None:
        self.replay = replay
        self.number = number

    def __call__(self, frame: FrameType, event: str, _: object) -> "Line":
        """Look after each line, and when the function returns."""
        if event in ("line", "return") and self.replay.clock() <= self.replay.end:
            self.replay.check(frame, line=self.number)
            self.number = frame.f_lineno
        return self


def cause(frame: FrameType, inside: str, line: int) -> Cause:
    """Return what a stack tells, the first place at another line of its function if given."""
    stack = events.stack(frame)
    first, *others = stacks.told(stack) or ("",)
    if line and first and not stacks.library(frame.f_code.co_filename):
        first = stacks.Frame(*stack[:2]).at(line)
    within = any(each.startswith("inside ") for each in others)
    lines = (first, *others, *([f"inside {inside}"] if inside and not within else []))
    return Cause(tuple(filter(None, lines)), (), stacks.origin(stack) if stack else "")


def name(function: Any) -> str:
    """Return the name of a function in C with its module."""
    if not isinstance(function, BuiltinFunctionType):
        return getattr(function, "__qualname__", type(function).__name__)
    owner = function.__self__
    module = owner.__name__ if isinstance(owner, type(sys)) else type(owner).__qualname__
    return f"{'os' if module in ('posix', 'nt') else module}.{function.__name__}"


def places(run: Callable[[], object], names: Iterable[str]) -> Places:
    """Run the code some more, and return by meter and name where things come from."""
    found: Places = {}
    for _ in range(RUNS):
        replay = Replay(names)
        with replay.looking():
            freed = run()  # what goes only with this has not gone
        found |= replay.places()
        del freed
        if found:
            break
    return found
