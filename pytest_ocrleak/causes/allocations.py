"""Which allocations there are ever more of: the stacks behind growth in bytes, Python's and native.

A meter says how much grows and not where. So where bytes leak the code is run some more under
memray, first for some runs and then for twice as many. What grows with the runs is there in both
and twice as often in the second; a first use is in one of them, a full ring equally often in both.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ocrleak import settle
from pytest_ocrleak.causes import frames, tracefile
from pytest_ocrleak.causes.frames import Frames
from pytest_ocrleak.causes.tracefile import SMALL, Held, Part
from pytest_ocrleak.meters import events, tempfiles
from pytest_ocrleak.pace import Clock, called
from pytest_ocrleak.sizes import human

RUNS = 100  # of the first part, at most
SECONDS = 0.5  # that it may take
LEAST = 2  # its runs, however long they take
GROWS = 1.5  # times as many blocks after twice the runs: halfway between a full ring and a leak
ROUNDED = 32  # bytes that a block may take beyond what was asked for
SHOWN = 3  # stacks that are told
DEEP = 8  # frames of each
PREFIX = f"{os.sep}ocrleak-trace-"
SECOND = "No more than one Tracker"  # as memray says it
BUSY = "memray traces this process already (pytest --memray?), and can do so once at a time"


class UntraceableError(RuntimeError):
    """Allocations cannot be traced here; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A way to an allocation that is not freed: frames, the innermost first, and both per run."""

    frames: Frames
    bytes: float
    blocks: float

    @property
    def places(self) -> tuple[str, ...]:
        """The frames in the lines of a leak: the user's, then what was inside of them."""
        return frames.places(self.frames)


@dataclass(frozen=True, slots=True)
class Allocations:
    """The stacks that grow, the largest first, and the number of runs that were traced."""

    stacks: tuple[Stack, ...]
    runs: int

    @property
    def per_run(self) -> float:
        """The bytes that all of them grow by in a run."""
        return sum(stack.bytes for stack in self.stacks)


def grown(
    run: Callable[[], object],
    runs: int = RUNS,
    meter: str = "heap",
    clock: Clock = time.perf_counter,
) -> Allocations:
    """Run code some more, and return the stacks that hold more memory after each run.

    ``meter`` is the one whose growth is to be explained: ``heap`` (what came from malloc), ``maps``
    (from mmap), ``pyblocks`` (from Python's own allocator), ``rss`` (from any of them). Up to three
    times ``runs`` are traced, six where they are slow.

    Raises
    ------
    UntraceableError
        memray is not there, or is at work already.

    """
    memray = tracer()
    called(run)
    python = meter in {"pyblocks", "rss"}
    tempfiles.leave_out(PREFIX)  # what memray writes is none of the code's
    with tempfile.TemporaryDirectory(prefix=PREFIX.removeprefix(os.sep)) as folder:
        one, two = Path(folder) / "one", Path(folder) / "two"
        done = traced(tracker(memray, one, python=python), lambda: make(run, runs, SECONDS, clock))
        traced(tracker(memray, two, python=python), lambda: make(run, 2 * done, math.inf, clock))
        first, second = parts(meter, one, two)
    return Allocations(growing(first, second, done), 3 * done)


def prepare() -> None:
    """Have memray take now what it keeps for good: a pipe, its own modules and their memory.

    It is for the beginning of a session that may trace. Taken later, within somebody's check, they
    would look like a leak of the code that runs there.

    Raises
    ------
    UntraceableError
        As for `grown`.

    """
    kept: list[bytes] = []
    grown(lambda: kept.append(bytes(2 * SMALL)), LEAST)


def tracer() -> Any:
    """Return memray, imported where it is needed: it is an extra, and it costs."""
    if sys.platform == "win32":
        raise UntraceableError("allocations are traced by memray, which does not run on Windows")
    try:
        import memray  # noqa: PLC0415
    except ImportError as error:
        raise UntraceableError(
            f"allocations are traced by memray, which is not there ({error}): "
            "pip install 'pytest-ocrleak[trace]'"
        ) from error
    return memray


def make(run: Callable[[], object], most: int, seconds: float, clock: Clock) -> int:
    """Make some runs, as many as time allows, and return their number."""
    start, done = clock(), 0
    while done < most and (done < LEAST or clock() - start < seconds):
        run()
        done += 1
    return done


def tracker(memray: Any, path: Path, *, python: bool) -> Any:
    """Return what lets memray write down each allocation, Python's own small ones too if asked for.

    Without them it sees the arenas that they lie in, as memory that whoever came first had mapped.
    """
    try:
        return memray.Tracker(
            path,
            native_traces=True,
            trace_python_allocators=python,
            file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
        )
    except (RuntimeError, OSError) as error:
        raise UntraceableError(f"memray cannot trace here: {error}") from error


def traced(tracking: Any, work: Callable[[], int]) -> int:
    """Do something while memray tracks it, and return what that returns.

    It is entered here and in no context manager: memray leaves out as many frames as there are when
    it is entered. What the code raises passes through, unless it wants to be tracked as well.
    """
    try:
        with tracking:
            done = work()
            settle.settle()
    except BaseException as error:
        if clashes(error):
            raise UntraceableError(BUSY) from error
        raise
    return done


def clashes(error: BaseException | None) -> bool:
    """Tell whether an error comes from a second tracker, however it was passed on."""
    while error is not None:
        if isinstance(error, RuntimeError) and SECOND in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def parts(meter: str, *paths: Path) -> list[Part]:
    """Return what was held at the end of each part, from the files that memray wrote.

    Another process reads them: looking up the names of native functions maps tens of megabytes of
    the libraries' tables, which memray never gives back.
    """
    command = [sys.executable, "-P", "-m", tracefile.__name__, meter, *map(str, paths)]
    searched = filter(None, (path or events.base() for path in sys.path))
    done = subprocess.run(  # noqa: S603 - ourselves
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(searched)},
        cwd=events.base() or None,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UntraceableError(f"what memray wrote cannot be read: {last}")
    return [tracefile.known(rows) for rows in json.loads(done.stdout)]


def growing(first: Part, second: Part, runs: int) -> tuple[Stack, ...]:
    """Return the stacks that grow, by what they hold after some runs and after twice as many."""
    both = (each for each in second if each in first)
    rates = (Stack(each, *rate(first[each], second[each], runs)) for each in both)
    return tuple(sorted((one for one in rates if one.bytes > 0), key=lambda one: -one.bytes))


def rate(first: Held, second: Held, runs: int) -> tuple[float, float]:
    """Return the bytes and blocks that a stack grows by in a run.

    By their number, blocks that come with each run are told from those that only replace others. A
    block that moves is one all the time, and holds what came since it was made; between the ends of
    the two parts lies the second part alone.
    """
    more = second.bytes - first.bytes
    if second.blocks > GROWS * first.blocks:
        return more / runs, (second.blocks - first.blocks) / runs
    return (more / (2 * runs) if first.moved and second.moved else 0.0), 0.0


def unseen(found: Allocations, measured: float) -> str:
    """Return in one sentence why memray's sum is not the growth per run that a meter measured.

    It is empty where the two are within a factor of two: allocators round up, small blocks by more,
    and memray counts what was asked for.
    """
    seen, most = found.per_run, max(measured, 0.0)
    rounded = ROUNDED * sum(stack.blocks for stack in found.stacks)
    if seen < most / 2 - rounded:
        return (
            f"memray sees {human(seen)} of the {human(most)} per run, not the other "
            f"{human(most - seen)}: what calls malloc by an address that it looked up "
            "(ctypes.CDLL(None).malloc, dlsym), brings an allocator of its own, or adds to a block "
            "that seldom grows is hidden from it"
        )
    if seen > 2 * most:
        return (
            f"memray sees {human(seen)} per run where {human(most)} were measured: some of it "
            "takes the place of what was allocated before"
        )
    return ""


def told(found: Allocations) -> Iterator[str]:
    """Return the largest stacks as lines, each with its frames below it."""
    for one in found.stacks[:SHOWN]:
        blocks = human(one.blocks, "blocks") if one.blocks else "a block that grows"
        yield f"{human(one.bytes)} per run in {blocks}, allocated by"
        yield from (f"    {frame}" for frame in one.frames[:DEEP])
    if rest := found.stacks[SHOWN:]:
        yield f"and {human(sum(one.bytes for one in rest))} per run by {len(rest)} more"
