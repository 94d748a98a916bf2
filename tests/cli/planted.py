"""A process that holds on to things: each line of its input plants one, each line out is done.

It ends at the end of its input.
"""

import _thread
import ctypes
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

HELD: list[Any] = []
SIZE = 32 << 20
libc = ctypes.CDLL(None)


def folder() -> Path:
    """Return a folder that goes with the process."""
    held = tempfile.TemporaryDirectory()
    HELD.append(held)
    return Path(held.name)


def nothing(count: int) -> None:
    """Tell that it runs."""


def deleted(count: int) -> None:
    """Files that are open and have no name any more."""
    place = folder()
    for index in range(count):
        path = place / f"page-{index}.tmp"
        file = path.open("wb")
        file.write(b"x" * 8192)
        file.flush()
        HELD.append(file)
        path.unlink()


def same(count: int) -> None:
    """One file, open again and again."""
    path = folder() / "model.onnx"
    path.write_bytes(b"model")
    HELD.extend(path.open("rb") for _ in range(count))


def close_wait(count: int) -> None:
    """Connections that the other side has closed."""
    server = socket.create_server(("127.0.0.1", 0), backlog=count)
    HELD.append(server)
    for _ in range(count):
        client = socket.create_connection(server.getsockname())
        HELD.append(client)
        accepted, _ = server.accept()
        accepted.shutdown(socket.SHUT_WR)
        accepted.close()
        client.recv(1)  # the end has arrived


def connected(count: int) -> None:
    """Connections to a server of this process."""
    server = socket.create_server(("127.0.0.1", 0), backlog=count)
    HELD.append(server)
    for _ in range(count):
        HELD.append(socket.create_connection(server.getsockname()))
        HELD.append(server.accept()[0])


def threads(count: int) -> None:
    """Threads with native names that differ in a number."""
    named = threading.Barrier(count + 1)
    for index in range(count):
        threading.Thread(target=wait, args=(f"ocr-worker-{index}", named), daemon=True).start()
    named.wait()


def workers(count: int) -> None:
    """Threads that the system has no names of: before 3.14 Python tells it none."""
    for _ in range(count):
        started = threading.Event()
        _thread.start_new_thread(stay, (started,))
        started.wait()


def stay(started: threading.Event) -> None:
    """Tell that it runs, and do for ever."""
    started.set()
    threading.Event().wait()


def wait(name: str, named: threading.Barrier) -> None:
    """Take a native name, and stay."""
    libc.prctl(15, name.encode(), 0, 0, 0)  # PR_SET_NAME
    named.wait()
    threading.Event().wait()


def zombies(count: int) -> None:
    """Children that ended and were not waited for."""
    for _ in range(count):
        child = subprocess.Popen(["true"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        HELD.append(child)


def children(count: int) -> None:
    """Children that stay as long as this process."""
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    HELD.extend(subprocess.Popen(["cat"], **quiet) for _ in range(count))


def memory(count: int) -> None:
    """Memory without a file, in use."""
    for _ in range(count):
        area = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        area.write(b"\1" * SIZE)
        HELD.append(area)


def mapped(count: int) -> None:
    """Mapped files without a name."""
    place = folder()
    for index in range(count):
        path = place / f"weights-{index}.bin"
        path.write_bytes(b"\1" * (4 << 20))
        with path.open("rb") as file:
            area = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        area.read()
        HELD.append(area)
        path.unlink()


def nasty(count: int) -> None:
    """Names that would drive a terminal."""
    names = (f"\x1b[2Jred\n{index}\u202e\udcff" for index in range(count))
    HELD.extend((folder() / name).open("wb") for name in names)


PLANTS: dict[str, Callable[[int], None]] = {
    each.__name__: each
    for each in (
        *(
            nothing,
            deleted,
            same,
            close_wait,
            connected,
            threads,
            workers,
            zombies,
            children,
            memory,
            mapped,
            nasty,
        ),
    )
}


def main() -> None:
    """Plant what each line asks for: a name and a count."""
    for line in sys.stdin:
        name, count = line.split()
        PLANTS[name](int(count))
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
    for held in HELD:
        if isinstance(held, tempfile.TemporaryDirectory):
            held.cleanup()
    os._exit(0)  # with all that it holds: an interpreter that ends gives back file after file


if __name__ == "__main__":
    main()
