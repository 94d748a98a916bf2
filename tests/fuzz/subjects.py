"""Classes that leak in a sequence of calls only, each with a switch that mends it."""

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from typing import ClassVar

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = (ctypes.c_void_p,)


class Subject:
    """Something with calls of which none leaks."""

    undo: ClassVar[list[Callable[[], object]]] = []

    def __init__(self) -> None:
        self.opened = self.freed = False

    def open(self) -> None:
        """Open it."""
        self.opened = True

    def read(self, data: object) -> object:
        """Read something."""
        if isinstance(data, bytes):
            raise ValueError(data)  # noqa: TRY004 - what bad data is called
        return data

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Free it; a second time is refused."""
        if self.freed:
            raise RuntimeError("it is closed")
        self.freed = True

    @classmethod
    def leak_descriptor(cls) -> None:
        """Leave a descriptor behind."""
        cls.undo.append(functools.partial(os.close, os.dup(0)))

    @classmethod
    def mend(cls) -> None:
        """Give back what was left behind."""
        while cls.undo:
            cls.undo.pop()()


class InOrder(Subject):
    """Leaks where it is flushed after it was opened, which fails."""

    def flush(self) -> None:
        """Leave a descriptor behind, once it is open."""
        if self.opened:
            self.leak_descriptor()
            raise OSError("no room")


class OnBadInput(Subject):
    """Leaks native memory where it raises."""

    def read(self, data: object) -> object:
        """Take memory, which it gives back only after good data."""
        buffer = libc.malloc(4096)
        if isinstance(data, bytes):
            self.undo.append(functools.partial(libc.free, buffer))
            raise ValueError(data)  # noqa: TRY004 - what bad data is called
        libc.free(buffer)
        return data


class SideBySide(Subject):
    """Leaks where another one is open at the same time."""

    alive: ClassVar[int] = 0

    def open(self) -> None:
        """Open it; beside another one it forgets a descriptor."""
        if not (self.opened or self.freed):
            type(self).alive += 1
            self.opened = True
            if self.alive > 1:
                self.leak_descriptor()

    def close(self) -> None:
        """Free it."""
        type(self).alive -= self.opened and not self.freed
        self.freed = True


class AfterFreeing(Subject):
    """Leaks where it is used after it was freed."""

    def read(self, data: object) -> object:
        """Open again what is closed, for good."""
        if self.freed:
            self.leak_descriptor()
        return data


class WithThread(Subject):
    """Leaves a thread behind that waits for ever."""

    def flush(self) -> None:
        """Start a thread."""
        ended = threading.Event()
        thread = threading.Thread(target=ended.wait, name="flusher")
        thread.start()
        self.undo += [thread.join, ended.set]


class Dropped(Subject):
    """Holds a descriptor that only closing gives back."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor = os.dup(0)

    def close(self) -> None:
        """Close the descriptor."""
        if not self.freed:
            os.close(self.descriptor)
        self.freed = True


class Reopening(Subject):
    """May be opened again after it was closed."""

    descriptor = -1

    def open(self) -> None:
        """Open it unless it is open."""
        if self.descriptor < 0:
            self.descriptor = os.dup(0)

    def close(self) -> None:
        """Close the descriptor, if there is one."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1


class Caching(Subject):
    """Keeps what need not be made again: a bounded cache, a late import, a pool of threads."""

    keys: ClassVar[dict[int, bytes]] = {}
    pool: ClassVar[list[int]] = []
    count: ClassVar[int] = 0

    def open(self) -> None:
        """Import something late."""
        import colorsys  # noqa: PLC0415 - late is the point

        self.opened = bool(colorsys)

    def read(self, data: object) -> object:
        """Keep a kilobyte for each of 64 numbers, the next with each call."""
        type(self).count += 1
        self.keys.setdefault(self.count % 64, bytes(1000))
        return data

    def flush(self) -> None:
        """Open descriptors until there are four, one with each call."""
        if len(self.pool) < 4:
            self.pool.append(os.dup(0))


class Logarithmic(Subject):
    """Keeps a kilobyte at ever rarer calls: at each power of two."""

    kept: ClassVar[list[bytearray]] = []
    count: ClassVar[int] = 0

    def flush(self) -> None:
        """Keep some more if the number of calls is a power of two."""
        type(self).count += 1
        if self.count & (self.count - 1) == 0:
            self.kept.append(bytearray(1000))
