"""Live an engine's life where something real is short: descriptors, memory, room on the disk.

Run as a script, `shortages.py SHORTAGE FOLDER`, in a process of its own. It forks one child for
each amount, from nothing on, with the limit set by the kernel; prints how each of their lives
ended, one word each; and ends with a traceback where one broke a promise. Each child lifts its
limit afterwards, and must then read a page with the same engine.
"""

import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tiny_models
from faults import tiny_package
from ocrleak_engine import EngineError, OcrEngine

PAGE = resource.getpagesize()


def descriptors_for(amount: int) -> int:
    """Return the limit that leaves so many descriptors free."""
    free = (number for number in range(10_000) if not is_open(number))
    return next(number for index, number in enumerate(free) if index == amount)


def is_open(number: int) -> bool:
    """Tell whether a descriptor is open, without opening one."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def address_space_for(amount: int) -> int:
    """Return the limit that leaves so many bytes of address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE + amount


@contextmanager
def limited(kind: int, limit: int) -> Iterator[None]:
    """Set a limit of the kernel's for a while."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def life(engine: OcrEngine, image: Path) -> str:
    """Copy, load and read; return "ok" or the name of the error, which is one that we define.

    Its message blames no file: none is damaged here.
    """
    try:
        engine.list_local()
        engine.recognize(image)
    except (EngineError, MemoryError) as error:
        assert "again" not in str(error), error  # noqa: PT017 - either way is right
        return type(error).__name__
    return "ok"


def short(kind: int, limit_for: Callable[[int], int], room: Path, amount: int) -> str:
    """Live with a limit, and then without."""
    folder, image = room / f"models-{amount}", room / "page.png"
    engine = OcrEngine(folder)
    before = [number for number in range(200) if is_open(number)]
    with limited(kind, limit_for(amount)):
        ended = life(engine, image)
    assert [number for number in range(200) if is_open(number)] == before
    check_rest(engine, folder, image)
    return ended


def check_rest(engine: OcrEngine, folder: Path, image: Path) -> None:
    """Check that what is there is whole, and that the same engine reads, and frees."""
    whole = tiny_models.files()
    there = {path.name: path.read_bytes() for path in folder.glob("*")}
    assert there.items() <= whole.items(), there.keys()
    assert engine.recognize(image).text == tiny_models.TEXT
    engine.free_resources()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


def full_disk(room: Path, amount: int) -> str:
    """Live on a file system of so many pages, and then on it with room."""
    folder = room / f"models-{amount}"
    folder.mkdir()
    engine = OcrEngine(folder)
    mount(folder, f"size={amount * PAGE},nr_inodes=100")
    try:
        ended = life(engine, room / "page.png")
        mount(folder, "remount,size=1m")
        check_rest(engine, folder, room / "page.png")
    finally:
        subprocess.run(["umount", folder], check=True)
    return ended


def mount(folder: Path, options: str) -> None:
    """Mount a file system in memory."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def in_child(act: Callable[[int], str], amount: int) -> str:
    """Act in a forked child and return what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, act(amount).encode())
        except BaseException:  # noqa: BLE001 - the parent sees the exit status
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        ended = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, f"with {amount}"
    return ended


SHORTAGES: dict[str, tuple[Callable[[Path, int], str], Sequence[int]]] = {
    "descriptors": (
        lambda room, amount: short(resource.RLIMIT_NOFILE, descriptors_for, room, amount),
        range(6),
    ),
    "memory": (
        lambda room, amount: short(resource.RLIMIT_AS, address_space_for, room, amount << 19),
        range(16),
    ),
    "file size": (
        lambda room, amount: short(resource.RLIMIT_FSIZE, lambda size: size, room, amount),
        range(0, 320, 40),
    ),
    "disk": (full_disk, range(1, 6)),
}

if __name__ == "__main__":
    shortage, amounts = SHORTAGES[sys.argv[1]]
    place = Path(sys.argv[2])
    tiny_models.picture().save(place / "page.png")
    with tiny_package(place):
        for each in amounts:
            print(in_child(lambda amount: shortage(place, amount), each), flush=True)  # noqa: T201
