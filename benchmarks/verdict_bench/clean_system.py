"""Clean code that asks the system for files, sockets, threads and processes, and gives them back.

The working directory is the scene's own and empty.
"""

# ruff: noqa: D103 - a scene's name says what it does
# ruff: noqa: PLC0415 - a scene imports what it needs where it is checked
# ruff: noqa: PTH123, PTH207, S607 - programs by their names, files as older code opens them

import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from verdict_bench.scene import Run, clean


@clean("sleep", "gather", "to_thread", "subprocess", "timeout", "queue", "server")
def asyncio_run(body: str) -> Run:
    import asyncio

    async def gather() -> None:
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(10)))

    async def subprocess() -> None:
        await (await asyncio.create_subprocess_exec("true")).wait()

    async def timeout() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)

    async def queue() -> None:
        messages: asyncio.Queue[int] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(messages.put(1))
            group.create_task(messages.get())

    async def server() -> None:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_unix_server(answer, "socket"):
            reader, writer = await asyncio.open_unix_connection("socket")
            await reader.read()
            writer.close()
            await writer.wait_closed()

    bodies: dict[str, Callable[[], Awaitable[Any]]] = {
        "sleep": lambda: asyncio.sleep(0),
        "gather": gather,
        "to_thread": lambda: asyncio.to_thread(sum, range(10)),
        "subprocess": subprocess,
        "timeout": timeout,
        "queue": queue,
        "server": server,
    }

    async def main() -> None:
        await bodies[body]()

    return lambda: asyncio.run(main())


@clean("true", "captured", "piped", "shell")
def subprocess_run(how: str) -> Run:
    import subprocess

    ways: dict[str, Run] = {
        "true": lambda: subprocess.run(["true"], check=True),
        "captured": lambda: subprocess.run(["echo", "text"], capture_output=True, check=True),
        "piped": lambda: subprocess.run(["cat"], input=b"x" * 9999, stdout=-1, check=True),
        "shell": lambda: subprocess.check_output("echo text", shell=True),  # noqa: S602
    }
    return ways[how]


@clean()
def fork_and_wait() -> Run:
    def run() -> None:
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            os._exit(0)

    return run


@clean(1, 4, 16)
def thread_pool(workers: int) -> Run:
    from concurrent.futures import ThreadPoolExecutor

    def run() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(str, range(2 * workers)))

    return run


@clean(4)
def thread_pool_that_stays(workers: int) -> Run:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(workers)
    return lambda: list(pool.map(str, range(2 * workers)))


@clean()
def process_pool() -> Run:
    from concurrent.futures import ProcessPoolExecutor

    def run() -> None:
        with ProcessPoolExecutor(1) as pool:
            pool.submit(os.getpid).result()

    return run


@clean()
def process_joined() -> Run:
    import multiprocessing

    def run() -> None:
        process = multiprocessing.get_context("fork").Process(target=os.getpid)
        process.start()
        process.join()
        process.close()

    return run


@clean()
def shared_memory() -> Run:
    from multiprocessing.shared_memory import SharedMemory

    def run() -> None:
        memory = SharedMemory(create=True, size=10_000)
        memory.close()
        memory.unlink()

    return run


@clean(1, 8)
def threads_joined(number: int) -> Run:
    import threading

    def run() -> None:
        threads = [threading.Thread(target=bytes, args=(1000,)) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


@clean()
def timer_cancelled() -> Run:
    import threading

    def run() -> None:
        timer = threading.Timer(60, print)
        timer.start()
        timer.cancel()
        timer.join()

    return run


@clean()
def queues() -> Run:
    import queue

    def run() -> None:
        messages: queue.PriorityQueue[tuple[int, str]] = queue.PriorityQueue()
        messages.put((1, "text"))
        messages.get()

    return run


@clean()
def scheduler() -> Run:
    import sched

    def run() -> None:
        scheduler = sched.scheduler()
        scheduler.enter(0, 1, str)
        scheduler.run()

    return run


@clean()
def selectors_and_pipe() -> Run:
    import selectors

    def run() -> None:
        reading, writing = os.pipe()
        with selectors.DefaultSelector() as selector:
            selector.register(reading, selectors.EVENT_READ)
            os.write(writing, b"x")
            selector.select()
        os.close(reading)
        os.close(writing)

    return run


@clean()
def sockets_closed() -> Run:
    import socket

    def run() -> None:
        one, two = socket.socketpair()
        with one, two:
            one.sendall(b"text")
            two.recv(9)

    return run


@clean()
def connection_closed() -> Run:
    import socket

    def run() -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname()) as client,
            server.accept()[0] as other,
        ):
            client.sendall(b"text")
            other.recv(9)

    return run


@clean()
def http_answered() -> Run:
    import threading
    import urllib.request
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    def run() -> None:
        with HTTPServer(("127.0.0.1", 0), Answer) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            port = server.server_address[1]
            urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
            thread.join()

    return run


@clean("default", "bare", "handshake")
def ssl_context(how: str) -> Run:
    import ssl

    def run() -> None:
        if how == "default":
            ssl.create_default_context()
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if how == "handshake":
            wrapped = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a.b")
            with contextlib.suppress(ssl.SSLWantReadError):
                wrapped.do_handshake()

    return run


@clean("memory", "file", "rollback")
def sqlite_opened(how: str) -> Run:
    import sqlite3

    def run() -> None:
        base = sqlite3.connect(":memory:" if how == "memory" else "base.sqlite")
        base.execute("create table if not exists pages (number, text)")
        base.execute("delete from pages")
        base.executemany("insert into pages values (?, ?)", [(n, "text") for n in range(50)])
        if how == "rollback":
            base.rollback()
        else:
            base.commit()
        base.close()

    return run


@clean("fresh", "repeated")
def sqlite_statements(which: str) -> Run:
    import sqlite3
    from itertools import count

    base, numbers = sqlite3.connect(":memory:"), count()

    def run() -> None:
        number = next(numbers) if which == "fresh" else 1
        base.execute(f"select {number} + ?", (7,)).fetchone()

    return run


@clean("anonymous", "file")
def mmap_closed(of: str) -> Run:
    import mmap

    Path("page").write_bytes(bytes(20_000))

    def run() -> None:
        if of == "anonymous":
            with mmap.mmap(-1, 20_000) as memory:
                memory[:4] = b"text"
            return
        with open("page", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory.find(b"text")

    return run


@clean("TemporaryFile", "NamedTemporaryFile", "TemporaryDirectory")
def temporary(kind: str) -> Run:
    import tempfile

    def run() -> None:
        with getattr(tempfile, kind)() as made:
            if kind == "TemporaryDirectory":
                Path(made, "inside").write_text("text")
            else:
                made.write(b"text")

    return run


@clean("zipfile", "tarfile")
def archive(module: str) -> Run:
    import shutil

    Path("packed").mkdir()
    Path("packed", "page.txt").write_text("text")

    def run() -> None:
        made = shutil.make_archive("made", module.removesuffix("file"), "packed")
        shutil.unpack_archive(made, "unpacked")
        shutil.rmtree("unpacked")

    return run


@clean()
def file_copied() -> Run:
    import shutil

    Path("page").write_bytes(bytes(100_000))
    return lambda: shutil.copy("page", "copy")


@clean("pathlib", "glob", "scandir")
def files_listed(how: str) -> Run:
    import glob

    for number in range(20):
        Path(f"{number}.txt").touch()

    def run() -> None:
        with os.scandir() as found:
            ways: dict[str, Run] = {
                "pathlib": lambda: list(Path().glob("**/*.txt")),
                "glob": lambda: glob.glob("**/[0-9].txt", recursive=True),
                "scandir": lambda: [entry.stat() for entry in found],
            }
            ways[how]()

    return run


@clean()
def shelf() -> Run:
    import shelve

    def run() -> None:
        with shelve.open("shelf") as kept:  # noqa: S301 - its own data
            kept["key"] = [1, 2, 3]

    return run


@clean()
def signal_handled() -> Run:
    import signal

    def run() -> None:
        before = signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.raise_signal(signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, before)

    return run
