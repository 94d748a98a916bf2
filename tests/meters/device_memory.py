"""Device memory through the CUDA driver's own functions, of a real GPU or of the stand-in."""

import ctypes
from typing import Any


class Card:
    """The first device, with its primary context current."""

    def __init__(self) -> None:
        self.driver = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)
        self.device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(self.device), 0)

    def make_context(self) -> None:
        """Create the primary context, which stays."""
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)

    def take(self, size: int) -> ctypes.c_uint64:
        """Allocate device memory."""
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def give_back(self, pointer: ctypes.c_uint64) -> None:
        """Free device memory."""
        self.call("cuMemFree_v2", pointer)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver; any error of it is one of the test."""
        if code := getattr(self.driver, name)(*arguments):
            raise OSError(code, name)


class Engine:
    """Something that takes device memory, 4 MiB by default, and gives it back if ``gives``."""

    def __init__(self, card: Card, *, gives: bool, size: int = 4 << 20) -> None:
        self.card, self.gives = card, gives
        self.memory: ctypes.c_uint64 | None = card.take(size)

    def use(self) -> None:
        """Refuse after it was freed."""
        if self.memory is None:
            raise RuntimeError("freed")

    def free_resources(self) -> None:
        """Give the memory back, or only forget it."""
        if self.memory is not None and self.gives:
            self.card.give_back(self.memory)
        self.memory = None
