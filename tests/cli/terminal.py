"""A terminal of its own for a command."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable

from planting import COMMAND, QUIET

SIZE = (40, 80)


class Terminal:
    """`ocrleak ARGUMENTS…` on a terminal; what it writes is read until something is seen."""

    def __init__(self, *arguments: object) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**QUIET, "TERM": "xterm-256color"},
        )
        os.close(theirs)
        self.bytes = b""

    @property
    def seen(self) -> str:
        """All that was written so far; a character may be on its way."""
        return self.bytes.decode(errors="ignore")

    def until(self, enough: Callable[[str], bool]) -> str:
        """Return all that was written, once it is enough."""
        while not enough(self.seen):
            self.bytes += os.read(self.ours, 65536)
        return self.seen

    def __repr__(self) -> str:
        return f"{self.process.poll()}: {self.seen[-2000:]}"

    def rest(self) -> str:
        """Return all that was written, once the command has ended."""
        try:
            self.until(lambda _: False)
        except OSError:  # the terminal has no other end any more
            self.process.wait()
        os.close(self.ours)
        return self.seen
