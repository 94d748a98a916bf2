"""Start, ask and stop a web server, of which cheroot 11.1.1 kept a thread."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread

from cheroot.wsgi import Server
from telling import tell

from pytest_ocrleak import assert_releases


@dataclass(frozen=True, slots=True)
class Running:
    """A server and the thread that it serves in."""

    server: Server
    thread: Thread


def answer(_: object, start: Callable[..., object]) -> list[bytes]:
    """Answer any request: the application."""
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def started() -> Running:
    """Start a server on a free port."""
    server = Server(("127.0.0.1", 0), answer, numthreads=2)
    server.prepare()
    thread = Thread(target=server.serve)
    thread.start()
    return Running(server, thread)


def ask(running: Running) -> None:
    """Send a request."""
    connection = HTTPConnection(*running.server.bind_addr)
    try:
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
    finally:
        connection.close()


def stop(running: Running) -> None:
    """Stop the server, wait for its thread, and drop its statistics.

    Cheroot keeps a table per server in `logging.statistics` for good, 11.1.2 too: a leak of its
    own, which is not the one that is looked for here.
    """
    running.server.stop()
    running.thread.join()
    vars(logging)["statistics"].pop(f"Cheroot HTTPServer {id(running.server)}", None)


tell(lambda: assert_releases(started, ask, free=stop))
os._exit(0)  # the threads that leak keep an interpreter from ever ending
