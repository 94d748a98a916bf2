"""A server runs out of descriptors: who hung up is still on its list.

``python server.py leaky`` (or ``fixed``) serves until it is ended, ``python server.py ask PORT
NUMBER`` asks it for so many pages.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable

connections: list[socket.socket] = []


def leaky(connection: socket.socket) -> None:
    """Answer, and leave it to the client to end the connection."""
    connections.append(connection)
    answer(connection)


def fixed(connection: socket.socket) -> None:
    """Answer, and close."""
    with connection:
        answer(connection)


def answer(connection: socket.socket) -> None:
    """Read a page's name and send its text."""
    connection.sendall(b"the text of " + connection.recv(100))


def serve(work: Callable[[socket.socket], None]) -> None:
    """Tell the process and the port, and do the work for each client."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"process {os.getpid()} serves at port {server.getsockname()[1]}", flush=True)
        while True:
            work(server.accept()[0])


def ask(port: int, number: int) -> None:
    """Ask for pages, each in a connection of its own."""
    for page in range(number):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"page %d" % page)
            client.recv(100)
    print(f"{number} pages read")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ask", port, number]:
            ask(int(port), int(number))
        case [way]:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            serve({"leaky": leaky, "fixed": fixed}[way])
