"""A known leak for each meter, planted in a process that ends with it, for `ocrleak doctor`.

``python -m pytest_ocrleak.cli.checkup.plants METER`` answers with one JSON object on stdout.
"""

import ctypes
import json
import mmap
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

from pytest_ocrleak import meters
from pytest_ocrleak.findings import repeated
from pytest_ocrleak.inventory import Unavailable, Undecidable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.pace import Count, Pace
from pytest_ocrleak.repeat import Run, repeat
from pytest_ocrleak.verdict import Growth

KIB, MB, MIB = 1024, 10**6, 1 << 20
OBJECTS = 16
FEW = 8  # runs that leave things, which show from the first on
SECONDS = 3.0  # that one of the two checks may take
WAITS = "import sys; sys.stdin.read()"


class Plant(NamedTuple):
    """A leak: what one run of it leaves, how much that is, what makes the run, how many runs.

    What it makes that outlives the process is undone at its end.
    """

    what: str
    per_run: float
    make: Callable[[ExitStack], Run]
    runs: Count = FEW


class Seen(NamedTuple):
    """What a meter said of its plant, and of a function that does nothing.

    ``noise`` is the largest change per run while nothing was done, ``per_run`` what was measured
    of the plant. Without ``planted`` there was nothing to plant with, for the ``reason``.
    """

    available: bool
    reason: str = ""
    source: str = ""
    unit: str = "B"
    planted: str = ""
    planted_per_run: float = 0.0
    verdict: str = ""
    per_run: float = 0.0
    nothing: str = ""
    noise: float = 0.0
    resolution: float = 0.0


def a_descriptor(undo: ExitStack) -> Run:
    """Open one more descriptor a run."""
    return lambda: undo.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def a_mapped_page(undo: ExitStack) -> Run:
    """Map a page of one file once more a run."""
    file = undo.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it is
    file.truncate(mmap.PAGESIZE)
    kept: list[mmap.mmap] = []
    return lambda: kept.append(mmap.mmap(file.fileno(), mmap.PAGESIZE, access=mmap.ACCESS_READ))


def a_thread(_: ExitStack) -> Run:
    """Start a thread a run that waits."""
    over = threading.Event()
    return lambda: threading.Thread(target=over.wait, name="planted", daemon=True).start()


def a_child(undo: ExitStack) -> Run:
    """Start a child a run; it reads what nobody writes, and so ends with this process."""
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL

    def run() -> None:
        command = [sys.executable, "-I", "-S", "-c", WAITS]
        child = subprocess.Popen(command, stdin=pipe, stdout=nowhere)  # noqa: S603
        undo.callback(child.communicate)

    return run


def native_memory(_: ExitStack) -> Run:
    """Take memory from malloc that nobody gives back."""
    ctypes.pythonapi.PyMem_RawMalloc.restype = ctypes.c_void_p
    return partial(ctypes.pythonapi.PyMem_RawMalloc, ctypes.c_size_t(KIB))


def objects(_: ExitStack) -> Run:
    """Keep more of Python's objects."""
    kept: list[object] = []
    return lambda: kept.extend(object() for _ in range(OBJECTS))


def resident_memory(_: ExitStack) -> Run:
    """Keep memory that is written to."""
    kept: list[bytes] = []
    return lambda: kept.append(b"\1" * MB)


def a_temp_file(undo: ExitStack) -> Run:
    """Make a temporary file a run, in a folder that goes at the end."""
    folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="ocrleak-doctor-"))

    def run() -> None:
        os.close(tempfile.mkstemp(dir=folder)[0])

    return run


def device_memory(_: ExitStack) -> Run:
    """Allocate on the first device through the CUDA driver, which every framework stands on.

    Raises
    ------
    OSError
        The driver has no CUDA, or refuses.

    """
    driver = ctypes.CDLL("libcuda.so.1")

    def call(name: str, *arguments: Any) -> None:
        if code := getattr(driver, name)(*arguments):
            raise OSError(code, f"{name} fails with {code}")

    device, context = ctypes.c_int(), ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDeviceGet", ctypes.byref(device), 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    size = ctypes.c_size_t(4 * MIB)
    return lambda: call("cuMemAlloc_v2", ctypes.byref(ctypes.c_uint64()), size)


PLANTS = {
    "fds": Plant("1 descriptor", 1, a_descriptor),
    "maps": Plant("1 mapped page", mmap.PAGESIZE, a_mapped_page),
    "threads": Plant("1 thread", 1, a_thread),
    "processes": Plant("1 child", 1, a_child),
    "heap": Plant("1 KiB of malloc", KIB, native_memory, "auto"),
    "pyblocks": Plant(f"{OBJECTS} Python objects", OBJECTS, objects, "auto"),
    "rss": Plant("1 MB written to", MB, resident_memory, "auto"),
    "tempfiles": Plant("1 temp file", 1, a_temp_file),
    "gpu": Plant("4 MiB of a device", 4 * MIB, device_memory),
}


def examined(name: str) -> Seen:
    """Plant a meter's leak, after a function that does nothing, and return what was seen."""
    if reason := hindrance(name):
        return Seen(available=False, reason=reason)
    plant, found = PLANTS[name], Seen(available=True, source=METERS[name].source())
    with ExitStack() as undo:
        try:
            run = plant.make(undo)
        except OSError as error:
            return found._replace(reason=f"nothing to plant with: {error}")
        if reason := hindrance(name):  # a device is looked at once it is in use
            return Seen(available=False, reason=reason)
        nothing = judged(name, lambda: None, "auto")
        return seen(found, plant, judged(name, run, plant.runs), nothing)


def hindrance(name: str) -> str:
    """Return why a meter tells nothing here, or nothing."""
    reading = METERS[name].read()
    return reading.reason if isinstance(reading, Unavailable | Undecidable) else ""


def judged(name: str, run: Run, runs: Count) -> Growth:
    """Return what one meter says of a run that is repeated."""
    limits = Limits(track=(name,), origins=False)
    return repeated(repeat(run, limits, Pace(runs, time_limit=SECONDS))).meters[name]


def seen(found: Seen, plant: Plant, planted: Growth, nothing: Growth) -> Seen:
    """Return the figures of both checks; the warm-up is no noise."""
    steps = zip(nothing.series[1:], nothing.batches[1:], strict=True)
    return found._replace(
        unit=planted.unit,
        planted=plant.what,
        planted_per_run=float(plant.per_run),
        verdict=planted.verdict,
        per_run=planted.per_run,
        nothing=nothing.verdict,
        noise=max((abs(step) / max(1, runs) for step, runs in steps), default=0.0),
        resolution=nothing.resolution,
        reason=planted.reason or nothing.reason,
    )


def main() -> None:
    """Examine the meter that the command line names."""
    meters.load()
    print(json.dumps(examined(sys.argv[1])._asdict()))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
