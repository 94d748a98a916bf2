"""The GPU stays full: an engine forgets its buffer instead of freeing it.

It asks nothing but the CUDA driver, so that no framework's pool is in the way.
"""

import ctypes
from typing import Any

import pytest

BUFFER = 64 << 20


class Card:
    """The first GPU, with this process's context on it."""

    def __init__(self) -> None:
        try:
            self.driver: Any = ctypes.CDLL("libcuda.so.1")
        except OSError:
            pytest.skip("no NVIDIA driver")
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuInit", 0)
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver."""
        if code := self.driver[name](*arguments):
            raise OSError(code, name)


class Leaky:
    """Holds a buffer on the GPU."""

    def __init__(self, card: Card) -> None:
        self.card, self.buffer = card, ctypes.c_uint64()
        card.call("cuMemAlloc_v2", ctypes.byref(self.buffer), ctypes.c_size_t(BUFFER))

    def free_resources(self) -> None:
        """Forget the buffer."""
        del self.buffer


class Fixed(Leaky):
    """Holds a buffer on the GPU, too."""

    def free_resources(self) -> None:
        """Free the buffer."""
        self.card.call("cuMemFree_v2", self.buffer)
        del self.buffer


@pytest.fixture(scope="module")
def card() -> Card:
    """Return the GPU."""
    return Card()


def test_leaky(card: Card) -> None:
    """Make an engine and free it."""
    Leaky(card).free_resources()


def test_fixed(card: Card) -> None:
    """Make an engine and free it."""
    Fixed(card).free_resources()
