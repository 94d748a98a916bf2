"""Nothing leaks here: what comes is held by somebody living, or goes with the test."""

import http.client
import http.server
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

import pytest

FORKS = """
import os, sys
for line in sys.stdin:
    if not os.fork():
        import time; time.sleep(60)
    print("forked", flush=True)
"""


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as path:
        yield path


@pytest.fixture(scope="module")
def files():
    global FILES
    FILES = []
    yield
    for file in FILES:
        file.close()


@pytest.fixture(scope="session")
def descriptors():
    made = []
    yield made
    for number in made:
        os.close(number)


@pytest.fixture(scope="session")
def opener():
    with ExitStack() as stack:
        yield lambda: stack.enter_context(open(os.devnull))


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    connection = sqlite3.connect(tmp_path_factory.mktemp("data") / "base")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def threaded_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.protocol_version = "HTTP/1.1"
    server.RequestHandlerClass.log_message = lambda *_: None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def client(threaded_server):
    connection = http.client.HTTPConnection(*threaded_server)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def echo():
    listener = socket.create_server(("127.0.0.1", 0))

    def handle(connection):
        with connection:
            while data := connection.recv(10):
                connection.sendall(data)

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    connections = {}
    yield lambda: connections.setdefault(1, socket.create_connection(listener.getsockname()))
    for each in connections.values():
        each.close()
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def workers():
    server = subprocess.Popen(
        [sys.executable, "-c", FORKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=False,
    )
    yield server
    subprocess.run(["pkill", "-P", str(server.pid)], check=False)
    server.communicate()


@pytest.fixture(scope="module")
def executor():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as made:
        yield made


@pytest.fixture
def skips():
    file = open(os.devnull)
    pytest.skip(file.name)


def test_folder(folder):
    open(os.path.join(folder, "file"), "w").close()


def test_assigned_global(files):
    FILES.append(open(os.devnull))


def test_row_of_descriptors(descriptors):
    descriptors.append(os.open(os.devnull, os.O_RDONLY))
    descriptors.append(os.dup(descriptors[0]))


def test_opener(opener):
    opener()


def test_database(database):
    database.execute("create table t (x)")
    database.commit()


def test_kept_alive(client):
    client.request("HEAD", "/")
    client.getresponse().read()


def test_kept_alive_again(client):
    client.request("HEAD", "/")
    client.getresponse().read()


def test_echo(echo):
    echo().sendall(b"x")
    assert echo().recv(1) == b"x"


def test_worker_of_a_server(workers):
    workers.stdin.write(b"\n")
    workers.stdin.flush()
    workers.stdout.readline()


def test_fork_server(executor):
    assert executor.submit(int).result() == 0


def test_skipped(skips):
    pass


class TestInstance:
    @pytest.fixture(autouse=True)
    def set_up(self):
        self.first = open(os.devnull)

    def setup_method(self):
        self.second = open(os.devnull)

    def test_attribute(self):
        self.third = open(os.devnull)


class TestClass:
    @pytest.fixture(scope="class", autouse=True)
    def set_up(self, request):
        request.cls.files = []
        yield
        for file in request.cls.files:
            file.close()

    def test_class_attribute(self):
        self.files.append(open(os.devnull))


def test_last():
    pass
