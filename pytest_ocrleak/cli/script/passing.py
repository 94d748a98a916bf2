"""Signals that `ocrleak run` gets and its script is to have.

Ctrl-C at a terminal goes to all processes of a group, the script among them; so does what some
supervisors send. Of a signal to us alone the script knows nothing. A witness, a process in our
group that ends by SIGINT, tells one from the other: nobody sends it anything alone.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

WITNESS = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); sys.stdin.read()"
SECONDS = 0.5  # that a witness has to end in
Script = subprocess.Popen[bytes]


@contextmanager
def passed_on(script: Script) -> Iterator[None]:
    """Pass signals on to a script as long as it runs, SIGINT unless the script has it, too."""
    signal.signal(signal.SIGTERM, lambda *_: script.terminate())
    before = signal.getsignal(signal.SIGINT)
    if os.name == "nt" or before is signal.SIG_IGN:
        yield
        return
    interrupts = Interrupts(script)
    signal.signal(signal.SIGINT, interrupts)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        interrupts.witness.communicate()


class Interrupts:
    """The handler of SIGINT; another one that comes while it looks at one is the same."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.witness = witness()
        self.looks = False

    def __call__(self, *_: object) -> None:
        """Look whether all of the group got it, and pass it on if not."""
        if not self.looks:
            self.looks = True
            self.look()
            self.looks = False

    def look(self) -> None:
        """Wait for the witness to end; one that did has a successor."""
        try:
            ended = self.witness.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.script.send_signal(signal.SIGINT)
            return
        self.witness.communicate()
        self.witness = witness()
        if ended != -signal.SIGINT:
            self.script.send_signal(signal.SIGINT)


def witness() -> Script:
    """Start a process in our group that ends by SIGINT, and with us."""
    command = [sys.executable, "-I", "-S", "-c", WITNESS]
    null = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 - our own line
        command, stdin=subprocess.PIPE, stdout=null, stderr=null
    )
