"""The end of a script as the interpreter brings it about: threads first, then what was registered.

At the very end the interpreter's own steps are taken. A run that others follow must not take them,
for they close what is there for good (logging, pools, finalizers): it has the threads waited for
and the functions called that the script itself registered.
"""

import atexit
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

MAIN, OWN = "__main__", "pytest_ocrleak."
POOLS = {  # the threads that wait for work until the interpreter ends
    "concurrent.futures.thread": "_threads_queues",
    "concurrent.futures.process": "_threads_wakeups",
}


def finish() -> None:
    """Wait for the threads, and call what was registered with `atexit`, once and for all."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as the interpreter does
    atexit._run_exitfuncs()  # noqa: SLF001


def wait_for_threads() -> None:
    """Wait for the threads that are no daemons, those they start, and none of a pool."""
    while waiting := [thread for thread in threading.enumerate() if waited_for(thread)]:
        for thread in waiting:
            thread.join()


def waited_for(thread: threading.Thread) -> bool:
    """Tell whether a script ends no sooner than a thread."""
    pools = (getattr(sys.modules.get(name), kept, ()) for name, kept in POOLS.items())
    own = thread is threading.main_thread() or thread.daemon
    return not own and not any(thread in pool for pool in pools)


class Exits:
    """What the script itself registers with `atexit` while it runs, to be called after that run.

    What modules register when they are imported waits for the interpreter's end.
    """

    def __init__(self) -> None:
        self.calls: list[partial[object]] = []
        self.register, self.unregister = atexit.register, atexit.unregister

    def __enter__(self) -> Self:
        atexit.register, atexit.unregister = self.note, self.drop
        return self

    def __exit__(self, *_: object) -> None:
        atexit.register, atexit.unregister = self.register, self.unregister

    def note(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        """Note a function of the script, and register any other."""
        if sys._getframe(1).f_globals.get("__name__") != MAIN:  # noqa: SLF001
            return self.register(function, *given, **named)
        self.calls.append(partial(function, *given, **named))
        return function

    def drop(self, function: Callable[..., Any]) -> None:
        """Forget a function."""
        self.calls[:] = [each for each in self.calls if each.func != function]
        self.unregister(function)

    def call(self) -> None:
        """Call what was noted, the last one first; an error is told and ends nothing."""
        while self.calls:
            call = self.calls.pop()
            try:
                call()
            except Exception as error:  # noqa: BLE001 - as the interpreter does
                show(error)


def show(error: BaseException) -> None:
    """Show an error as the interpreter does, without our frames."""
    trace: TracebackType | None = error.__traceback__
    while trace and str(trace.tb_frame.f_globals.get("__name__")).startswith(OWN):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
