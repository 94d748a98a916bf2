"""Which allocations there are ever more of: the stacks behind growth in bytes, Python's and native.

A meter says how much grows and not where. So where bytes leak the code is run some more under
memray, first for some runs and then for twice as many. What grows with the runs is there in both
and twice as often in the second; a first use is in one of them, a full ring equally often in both.
"""

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_ocrleak import frames, settle
from pytest_ocrleak.frames import Frames
from pytest_ocrleak.meters import tempfiles
from pytest_ocrleak.pace import Clock, called
from pytest_ocrleak.sizes import human

RUNS = 100  # of the first part, at most
SECONDS = 0.5  # that it may take
LEAST = 2  # its runs, however long they take
GROWS = 1.5  # times as many blocks after twice the runs: halfway between a full ring and a leak
SMALL = 512  # bytes of the largest block that Python's allocator does not take from the heap
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


class Held(NamedTuple):
    """What a stack allocated in one part and did not free: bytes, blocks, and the moved ones.

    A moved block came from ``realloc``: it may be an old one that has grown.
    """

    bytes: int = 0
    blocks: int = 0
    moved: int = 0


Part = Mapping[Frames, Held]


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
    done, first = traced(memray, meter, lambda: make(run, runs, SECONDS, clock))
    _, second = traced(memray, meter, lambda: make(run, 2 * done, math.inf, clock))
    return Allocations(growing(first, second, done), 3 * done)


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


def traced(memray: Any, meter: str, work: Callable[[], int]) -> tuple[int, Part]:
    """Trace some runs; return their number, and what their stacks allocated and did not free.

    The file that memray writes meanwhile is no temp file of the code.
    """
    tempfiles.leave_out(PREFIX)
    with tempfile.TemporaryDirectory(prefix=PREFIX.removeprefix(os.sep)) as folder:
        path = Path(folder) / "allocations"
        done = under(tracker(memray, path, python=meter in {"pyblocks", "rss"}), work)
        with memray.FileReader(path) as reader:
            records = reader.get_leaked_allocation_records(merge_threads=True)
            return done, tally(counted(memray, records, meter))


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


def under(tracking: Any, work: Callable[[], int]) -> int:
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


def counted(memray: Any, records: Iterable[Any], meter: str) -> Iterator[tuple[Frames, Held]]:
    """Return what each of memray's records tells of a meter, with its frames."""
    for record in records:
        name = memray.AllocatorType(record.allocator).name
        large = record.size > SMALL * record.n_allocations
        if meter in {"rss", growing_by(name)} and not (meter == "pyblocks" and large):
            moved = record.n_allocations if name.endswith("REALLOC") else 0
            yield frames.told(record), Held(record.size, record.n_allocations, moved)


def growing_by(allocator: str) -> str:
    """Return the meter that grows by what an allocator, as memray names it, gives out."""
    if allocator == "MMAP":
        return "maps"
    return "pyblocks" if allocator.startswith("PYMALLOC") else "heap"


def tally(found: Iterable[tuple[Frames, Held]]) -> Part:
    """Add up what has the same frames; what has none is the plugin's and memray's own."""
    held: dict[Frames, Held] = {}
    for one, more in found:
        if one:
            held[one] = Held(*map(sum, zip(held.get(one, Held()), more, strict=True)))
    return held


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

    It is empty where the two are within a factor of two: allocators round up, and memray counts
    what was asked for.
    """
    seen, most = found.per_run, max(measured, 0.0)
    if seen < most / 2:
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
