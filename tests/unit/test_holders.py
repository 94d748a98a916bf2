"""What objects hold: by reference, by a number that stands for a thing, or behind native code."""

import mmap
import os
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ocrleak.causes.holders import reach
from pytest_ocrleak.causes.owners import found
from pytest_ocrleak.inventory import Descriptor, Process, TempFile

OPEN = (7, 8, 9)
SEVEN = Descriptor(7, 1, 2, "file", "/data/file")


def closing_over(value: object) -> object:
    """Return a function that brought a value along."""
    return lambda: value


def in_a_generator(value: object) -> Any:
    """Return a generator that has begun, as a yield fixture is."""

    def life() -> Any:
        held = value
        yield
        del held

    running = life()
    next(running)
    return running


@pytest.mark.parametrize(
    ("root", "held"),
    [
        pytest.param(SimpleNamespace(fd=7), True, id="an attribute"),
        pytest.param([7, 8], True, id="a row of descriptors"),
        pytest.param([[7]], True, id="a row in a row"),
        pytest.param(closing_over(7), True, id="a cell"),
        pytest.param(in_a_generator(7), True, id="a local variable"),
        pytest.param([7, 1000], False, id="a row of numbers"),
        pytest.param({"id": 7}, False, id="a table"),
        pytest.param([{"id": number} for number in range(20)], False, id="rows of data"),
        pytest.param(SimpleNamespace(rows=[{"id": 7}]), False, id="data in an attribute"),
        pytest.param(os, False, id="a module"),
        pytest.param(Exception("text"), False, id="an exception"),
        pytest.param(mmap.mmap(-1, 1), True, id="a native object"),
    ],
)
def test_a_descriptor_of_native_code(root: object, held: bool) -> None:  # noqa: FBT001
    """Numbers in attributes, cells and rows of descriptors stand for one, those in data do not."""
    assert reach([root], OPEN).holds(SEVEN, {}) is held


def test_a_file_of_python_is_held_by_reference_alone() -> None:
    """A number or a native object beside it says nothing."""
    with open(os.devnull) as file, open(os.devnull) as other:  # noqa: PTH123
        number = file.fileno()
        item = Descriptor(number, 1, 2, "device", os.devnull)
        owners = found([item])
        assert owners[item] is file.buffer.raw  # type: ignore[attr-defined]
        assert reach([SimpleNamespace(file=file)]).holds(item, owners)
        assert not reach([SimpleNamespace(file=other, fd=number)]).holds(item, owners)


def test_a_process_is_held_with_its_parent() -> None:
    """Who holds a server holds its workers."""
    worker = Process(501, 1, "worker", zombie=False, parent=500)
    assert reach([SimpleNamespace(pid=500)]).holds(worker, {}, line=[500])
    assert not reach([SimpleNamespace(pid=7)]).holds(worker, {}, line=[500])


def test_a_temp_file_is_held_by_its_path_or_its_folders() -> None:
    """As text or as a path."""
    item = TempFile(1, 2, "/tmp/folder/file")
    assert reach([["/tmp/folder/file"]]).holds(item, {})
    assert reach([["/tmp/folder/"]]).holds(item, {})
    assert not reach([["/tmp/fold"]]).holds(item, {})


def test_a_thread_is_held_by_what_it_works_for() -> None:
    """Its own object may be nowhere but among the running threads."""

    class Server:
        def __init__(self) -> None:
            self.over = threading.Event()

        def serve(self) -> None:
            self.over.wait()

    server, stranger = Server(), Server()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        assert reach([server]).employs(thread)
        assert not reach([stranger]).employs(thread)
    finally:
        server.over.set()
        thread.join()
