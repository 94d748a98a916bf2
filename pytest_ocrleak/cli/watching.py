"""`ocrleak watch`: what a process holds, again and again, until it ends or the user has seen it."""

import argparse
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from pytest_ocrleak.cli.command import DONE, Command, add_json, process_id
from pytest_ocrleak.cli.pages import changes, screen
from pytest_ocrleak.cli.pages.safe import one_line
from pytest_ocrleak.cli.process import reading
from pytest_ocrleak.cli.process.history import History, begun

SHORTEST, LONGEST = 0.05, 86400.0
Tell = Callable[[History], None]


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("pid", type=process_id, metavar="PID|self", help="the process")
    parser.add_argument(
        "--interval",
        type=seconds,
        default=1.0,
        metavar="SECONDS",
        help="between two readings (default: 1)",
    )
    add_json(parser, "print one JSON object a line")


def seconds(text: str) -> float:
    """Return the seconds in an argument."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not SHORTEST <= value <= LONGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no interval: write seconds, {SHORTEST:g} to {LONGEST:g}"
        )
    return value


def run(arguments: argparse.Namespace) -> int:
    """Show reading after reading; Ctrl-C and a plain kill end it well."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    history: History | None = None
    ended = False
    try:
        with ExitStack() as stack:
            tell = teller(stack, as_json=arguments.json)
            for history in readings(arguments.pid, arguments.interval):
                tell(history)
            ended = True
    except KeyboardInterrupt:
        pass
    if history and screen.colourful() and not arguments.json:
        screen.show(changes.page(history))  # the second screen took everything with it
    if history and ended:
        last(history, as_json=arguments.json)
    return DONE


def readings(pid: int, interval: float) -> Iterator[History]:
    """Yield the history with each reading, until the process ends."""
    history = begun(reading.read(pid, whole=False))
    who = history.start.held.process
    due = time.monotonic()
    while True:
        yield history
        due = max(due + interval, time.monotonic())
        if reading.ended_within(who.pid, due - time.monotonic()):
            return
        try:
            held = reading.read(who.pid, whole=False)
        except reading.EndedError:
            return
        if not who.is_same(held.process):  # its number was given out again
            return
        history = history.then(held)


def teller(stack: ExitStack, *, as_json: bool) -> Tell:
    """Return what tells a reading: JSON, a page on the terminal, or plain lines."""
    if as_json:
        return lambda history: screen.write_json(changes.as_data(history), indent=None)
    if not screen.colourful():
        return tell_lines
    from pytest_ocrleak.cli.pages import colour  # noqa: PLC0415 - an extra

    shown = stack.enter_context(colour.live())
    return lambda history: shown(changes.page(history, screen.height()))


def tell_lines(history: History) -> None:
    """Print a reading as a line, and what came and went since the one before below it."""
    screen.write(changes.line(history))
    if len(history.latest) > 1:
        before, now = history.latest[-2:]
        for line in changes.steps(before.held, now.held):
            screen.write(one_line(line))


def last(history: History, *, as_json: bool) -> None:
    """Tell that the process ended, and what it had last."""
    if as_json:
        pid = history.start.held.process.pid
        figures = dict(history.now.figures)
        screen.write_json({"pid": pid, "ended": True, "last": figures}, indent=None)
    else:
        screen.write(one_line(changes.ending(history)))


COMMAND = Command("watch", "show live how what a process holds changes", declare, run)
