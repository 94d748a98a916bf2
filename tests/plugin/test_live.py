"""The line in the terminal while a check takes long."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

SLOW = """
import time

kept = []

def test_slow():
    time.sleep(0.3)
    kept.append(open(__file__))
"""
COMMAND = [sys.executable, "-m", "pytest", "-q", "--ocrleak", "--ocrleak-runs=5"]


def on_a_terminal(command: list[str]) -> str:
    """Run a command on a terminal of 100 columns and return all that it writes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    seen = b""
    with subprocess.Popen(command, env={**os.environ, "TERM": "xterm"}, **terminal):
        os.close(theirs)
        with suppress(OSError):  # the terminal has no other end any more
            while part := os.read(ours, 65536):
                seen += part
    os.close(ours)
    return seen.decode()


def test_a_long_check_shows_how_far_it_is_in_a_terminal_alone(pytester: pytest.Pytester) -> None:
    """Behind what pytest wrote, which it gives back its place; nothing where output is a pipe."""
    pytester.makepyfile(SLOW)
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as piped:
        seen = on_a_terminal(COMMAND)
        output, _ = piped.communicate()
    shown = re.findall(
        r"(  ocrleak: run \d of 6 · \d s left · growing per run: fds 1[^\x1b]*)"
        r"\x1b\[K\x1b\[(\d+)D",
        seen,
    )
    assert shown
    assert all(len(text) == int(columns) for text, columns in shown)
    rest = seen.rpartition(f"{shown[-1][0]}\x1b[K\x1b[{shown[-1][1]}D")[2]
    assert rest.startswith("\x1b[K")
    assert "ocrleak: run" not in rest
    assert "1 failed" in output
    assert "\x1b" not in output
    assert "ocrleak: run" not in output
