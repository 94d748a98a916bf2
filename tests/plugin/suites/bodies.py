"""Tests of every kind, each of which leaks or does not."""

import mmap
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import pytest

KEPT = []
places = {}


def keep():
    KEPT.append(open(os.devnull))


class Pool:
    """Opens a connection when it is asked for one, and closes them all at its end."""

    def __init__(self):
        self.made = []
        self.executor = ThreadPoolExecutor(1)

    def connection(self):
        self.made.append(socket.socket())
        return self.made[-1]

    def close(self):
        self.executor.shutdown()
        for each in self.made:
            each.close()


@pytest.fixture(scope="session")
def pool():
    made = Pool()
    yield made
    made.close()


@pytest.fixture(scope="session")
def careless_pool():
    made = Pool()
    yield made
    KEPT.append(made)


@pytest.fixture
def client(pool):
    return [pool]


def test_clean():
    with open(os.devnull):
        pass


def test_file():
    keep()


def test_after():
    pass


def test_in_a_cycle():
    cycle = [open(os.devnull)]
    cycle.append(cycle)


def test_fails():
    file = open(os.devnull)
    assert file.closed


@pytest.mark.xfail
def test_expected_to_fail():
    keep()
    raise ValueError


def test_skipped():
    pytest.skip("no need")


def test_thread():
    over = threading.Event()
    KEPT.append(over)
    threading.Thread(target=over.wait, daemon=True, name="waiter").start()


def test_thread_that_ends():
    threading.Timer(0.1, keep.__name__.upper).start()


def test_child():
    KEPT.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))


def test_child_that_ends():
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_temp_file():
    with open(f"/tmp/ocrleak-{os.getpid()}-{time.time_ns()}", "w") as file:
        KEPT.append(file.name)


def test_tmp_path(tmp_path):
    (tmp_path / "file").touch()


def test_pool(pool):
    pool.connection()
    pool.executor.submit(int).result()


def test_pool_behind_another_fixture(client):
    client[0].connection()


def test_careless_pool(careless_pool):
    careless_pool.connection()


def test_beside_a_pool(pool):
    KEPT.append(socket.socket())


@pytest.fixture(scope="session")
def data():
    return {"verbosity": -1, "rows": [{"id": number} for number in range(200)]}


def test_descriptor_beside_data(data):
    KEPT.append(("descriptor", os.dup(0)))


def test_mapping_beside_data(data, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(8192))
    with path.open() as file:
        KEPT.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))


def test_descriptor_beside_a_pool(pool):
    KEPT.append([os.dup(0)])


def test_finalizer(request):
    request.addfinalizer(open(os.devnull).close)


def test_patched(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "KEPT", open(os.devnull))
    monkeypatch.setitem(places, "file", open(os.devnull))


def test_patched_beside(monkeypatch):
    monkeypatch.setitem(places, "file", None)
    keep()


class TestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = []

    def setUp(self):
        self.file = open(os.devnull)

    def test_attribute(self):
        assert not self.file.closed

    def test_shared(self):
        self.shared.append(open(os.devnull))

    def test_leak(self):
        keep()

    @classmethod
    def tearDownClass(cls):
        for file in cls.shared:
            file.close()


class TestUnclosed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = open(os.devnull)

    def test_nothing(self):
        pass


@pytest.mark.no_ocrleak(reason="it is meant to")
def test_unchecked():
    keep()


@pytest.mark.ocrleak(runs=1, track="threads")
def test_only_threads():
    keep()


@pytest.mark.ocrleak(runs=1, ignore="fds:/dev/null  # ours")
def test_ignored():
    keep()


def test_last():
    pass
