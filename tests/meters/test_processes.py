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


def known() -> set[int]:
    """Return the ids of our processes."""
    reading = processes.read()
    items = getattr(reading, "items", ())
    return {item.pid for item in items if isinstance(item, Process)}


def test_a_grandchild_is_seen_when_its_parent_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no process begins between the readings: then nothing but the parent tells."""
    text = procfs.text
    quiet = "0.00 0.00 0.00 1/1 1"  # the newest process is the first
    monkeypatch.setattr(procfs, "text", lambda path: quiet if "loadavg" in path else text(path))
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin
        assert parent.stdout
        grandchild = int(parent.stdout.readline())
        try:
            assert {parent.pid, grandchild} <= known()
            parent.stdin.close()
            parent.wait()
            found = known()
            assert grandchild in found
            assert parent.pid not in found
        finally:
            os.kill(grandchild, signal.SIGKILL)
