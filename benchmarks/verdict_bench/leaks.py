"""Code that leaks, each beside the same code mended."""

# ruff: noqa: D103 - a scene's name and what stays say what it does
# ruff: noqa: PLC0415 - a scene imports what it needs where it is checked
# ruff: noqa: PTH123, S607, SIM115 - leaks are written as careless code writes them

import ctypes
from typing import Any

from verdict_bench.scene import Run, paired

MEGABYTE = 1_000_000
MOST = 2000  # children that may live at once, for the machine's sake
MEMORY = {"PROT_READ | PROT_WRITE": 3, "MAP_PRIVATE | MAP_ANONYMOUS": 0x22}


def libc() -> Any:
    """Return the C library, with sizes and addresses of full width."""
    library = ctypes.CDLL(None)
    library.malloc.argtypes = (ctypes.c_size_t,)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = (ctypes.c_void_p,)
    return library


@paired("{} B of C heap", 64, 16, 8)
def malloc(size: int, *, leaking: bool) -> Run:
    library = libc()

    def run() -> None:
        address = library.malloc(size)
        if not leaking:
            library.free(address)

    return run


@paired("{} B of C heap at every 50th run", 512)
def rare_malloc(size: int, *, leaking: bool) -> Run:
    library, runs = libc(), 0

    def run() -> None:
        nonlocal runs
        runs += 1
        address = library.malloc(size)
        if not leaking or runs % 50:
            library.free(address)

    return run


@paired("1 MB of C heap, at the first run alone", once=True)
def malloc_once(*, leaking: bool) -> Run:
    library, runs = libc(), 0

    def run() -> None:
        nonlocal runs
        runs += 1
        address = library.malloc(MEGABYTE)
        ctypes.memset(address, 1, MEGABYTE)
        if not leaking or runs > 1:
            library.free(address)

    return run


@paired("64 B of C heap, from the 101st run on")
def late_malloc(*, leaking: bool) -> Run:
    library, runs = libc(), 0

    def run() -> None:
        nonlocal runs
        runs += 1
        address = library.malloc(64)
        if not leaking or runs <= 100:  # noqa: PLR2004 - as it says above
            library.free(address)

    return run


@paired("128 B of C heap whenever parsing fails")
def error_path(*, leaking: bool) -> Run:
    library = libc()

    def parse(text: str) -> int:
        buffer = library.malloc(128)
        try:
            number = int(text)
        except ValueError:
            if not leaking:
                library.free(buffer)
            raise
        library.free(buffer)
        return number

    def run() -> None:
        try:
            parse("no number")
        except ValueError:
            parse("7")

    return run


@paired("a reference to a fresh object that C never gives back")
def incref(*, leaking: bool) -> Run:
    def run() -> None:
        fresh = object()
        if leaking:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(fresh))

    return run


@paired("8 B in a list that over-allocates")
def list_growth(*, leaking: bool) -> Run:
    kept: list[None] = []

    def run() -> None:
        kept.append(None)
        if not leaking:
            kept.clear()

    return run


@paired("an entry in a dict that doubles")
def dict_growth(*, leaking: bool) -> Run:
    kept: dict[int, None] = {}

    def run() -> None:
        kept[len(kept)] = None
        if not leaking:
            kept.clear()

    return run


@paired("an object of Python in a list")
def object_kept(*, leaking: bool) -> Run:
    kept: list[object] = []

    def run() -> None:
        kept.append(object())
        if not leaking:
            kept.clear()

    return run


@paired("bytes({}) in a list", 100)
def bytes_kept(size: int, *, leaking: bool) -> Run:
    kept: list[bytes] = []

    def run() -> None:
        kept.append(bytes(size))
        if not leaking:
            kept.clear()

    return run


@paired("a result in a cache without bound")
def endless_cache(*, leaking: bool) -> Run:
    from functools import lru_cache
    from itertools import count

    keys = count()
    cached = lru_cache(maxsize=None if leaking else 64)(str)
    return lambda: cached(next(keys))


@paired("a handler on a logger")
def logging_handler(*, leaking: bool) -> Run:
    import logging

    logger = logging.getLogger("benchmark")

    def run() -> None:
        handler = logging.NullHandler()
        logger.addHandler(handler)
        if not leaking:
            logger.removeHandler(handler)

    return run


@paired("a file's descriptor and buffer", meters=("fds",))
def open_kept(*, leaking: bool) -> Run:
    kept: list[Any] = []

    def run() -> None:
        kept.append(open("/etc/hostname", "rb"))
        if not leaking:
            kept.pop().close()

    return run


@paired("a FILE of the C library", meters=("fds",))
def fopen_kept(*, leaking: bool) -> Run:
    library = libc()
    library.fopen.restype = ctypes.c_void_p
    library.fclose.argtypes = (ctypes.c_void_p,)

    def run() -> None:
        file = library.fopen(b"/etc/hostname", b"r")
        if not leaking:
            library.fclose(file)

    return run


@paired("a descriptor", meters=("fds",))
def dup_kept(*, leaking: bool) -> Run:
    import os

    def run() -> None:
        descriptor = os.dup(0)
        if not leaking:
            os.close(descriptor)

    return run


@paired("two sockets", meters=("fds",))
def socketpair_kept(*, leaking: bool) -> Run:
    import socket

    kept: list[socket.socket] = []

    def run() -> None:
        kept.extend(socket.socketpair())
        while kept and not leaking:
            kept.pop().close()

    return run


@paired("a connection to a database in memory")
def sqlite_kept(*, leaking: bool) -> Run:
    import sqlite3

    kept: list[sqlite3.Connection] = []

    def run() -> None:
        kept.append(sqlite3.connect(":memory:"))
        if not leaking:
            kept.pop().close()

    return run


@paired("an event loop, never closed", meters=("fds",))
def loop_kept(*, leaking: bool) -> Run:
    import asyncio

    kept: list[asyncio.AbstractEventLoop] = []

    def run() -> None:
        kept.append(asyncio.new_event_loop())
        if not leaking:
            kept.pop().close()

    return run


@paired("a thread that waits", meters=("threads",))
def thread_kept(*, leaking: bool) -> Run:
    import threading

    never = threading.Event()

    def run() -> None:
        event = never if leaking else threading.Event()
        thread = threading.Thread(target=event.wait, daemon=True)
        thread.start()
        if not leaking:
            event.set()
            thread.join()

    return run


@paired("a child that sleeps", meters=("processes",))
def child_kept(*, leaking: bool) -> Run:
    import subprocess

    kept: list[subprocess.Popen[bytes]] = []

    def run() -> None:
        if len(kept) == MOST:
            raise RuntimeError(f"the scene ends at {MOST} children")
        kept.append(subprocess.Popen(["sleep", "600"]))
        if not leaking:
            kept[-1].kill()
            kept.pop().wait()

    return run


@paired("a mapping of 4 KiB", meters=("maps",))
def mmap_kept(*, leaking: bool) -> Run:
    import mmap

    kept: list[mmap.mmap] = []

    def run() -> None:
        kept.append(mmap.mmap(-1, 4096))
        if not leaking:
            kept.pop().close()

    return run


@paired("16 KiB mapped by C, {}", "touched", "untouched", meters=("maps", "rss"))
def raw_mmap(how: str, *, leaking: bool) -> Run:
    library, size = libc(), 16384
    library.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    library.mmap.restype = ctypes.c_void_p
    library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)

    def run() -> None:
        address = library.mmap(None, size, *MEMORY.values(), -1, 0)
        if how == "touched":
            ctypes.memset(address, 1, size)
        if not leaking:
            library.munmap(address, size)

    return run


@paired("a file in the temp directory", meters=("tempfiles",))
def tempfile_kept(*, leaking: bool) -> Run:
    import tempfile

    def run() -> None:
        with tempfile.NamedTemporaryFile(delete=not leaking) as file:
            file.write(b"left behind")

    return run
