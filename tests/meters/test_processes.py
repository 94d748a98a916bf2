"""Grandchildren whose parent ends are ours still."""

import os
import signal
import subprocess
import sys

import pytest

from pytest_ocrleak.inventory import Process
from pytest_ocrleak.meters import processes, procfs

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
input()
"""


FORKED = """
import os, signal, sys
from pytest_ocrleak.meters import processes

os.environ["PYTEST_XDIST_WORKER"] = "gw7"  # as a worker does, once it runs
told, tell = os.pipe()
if os.fork() == 0:
    if (pid := os.fork()) == 0:
        signal.pause()
    os.write(tell, str(pid).encode())
    os._exit(0)
os.wait()
pid = int(os.read(told, 9))
print([item.pid for item in processes.read().items] == [pid])
os.kill(pid, signal.SIGKILL)
"""


def known() -> set[int]:
    """Return the ids of our processes."""
    reading = processes.read()
    items = getattr(reading, "items", ())
    return {item.pid for item in items if isinstance(item, Process)}


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no process begin between readings: then nothing but its parent tells of an orphan."""
    text = procfs.text
    newest = "0.00 0.00 0.00 1/1 1"  # the first one of all
    monkeypatch.setattr(procfs, "text", lambda path: newest if "loadavg" in path else text(path))


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("worker", [None, "gw7"])
def test_a_grandchild_is_seen_when_its_parent_ends(
    worker: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a worker of pytest-xdist has nothing to do with what another one's left."""
    environment = dict(os.environ)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        grandchild = int(parent.stdout.readline())
        try:
            assert {parent.pid, grandchild} <= known()
            parent.stdin.close()
            parent.wait()
            found = known()
            assert (grandchild in found) == (worker is None)
            assert parent.pid not in found
        finally:
            os.kill(grandchild, signal.SIGKILL)


def test_what_a_worker_forks_is_its_own_whatever_its_environment() -> None:
    """The kernel tells the one of before the worker had a name."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
