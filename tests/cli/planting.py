"""Processes to plant things in, and the command that looks at them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROGRAM = Path(__file__).with_name("planted.py")
COMMAND = [sys.executable, "-m", "pytest_ocrleak"]
QUIET = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
Ocrleak = Callable[..., "subprocess.CompletedProcess[str]"]


class Planted:
    """A process that plants what it is told to, and has when the call returns."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=pipe, stdout=pipe, text=True
        )
        self.pid = self.process.pid

    def __call__(self, name: str, count: int) -> None:
        """Plant ``count`` things."""
        assert self.process.stdin
        assert self.process.stdout
        print(name, count, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline().strip() == name

    def end(self) -> None:
        """Let it end, and wait for it."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def ocrleak(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `ocrleak ARGUMENTS…` to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        check=False,
        text=True,
        capture_output=True,
        timeout=30,
        env={**QUIET, **environment},
    )
