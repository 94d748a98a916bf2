"""Native memory that Python does not see: a C function's string that nobody frees."""

import ctypes
from typing import Any

import pytest

libc: Any = ctypes.CDLL(None)


def leaky(path: str) -> bytes:
    """Return a path from the root on; ctypes makes bytes of the string and drops its address."""
    realpath = libc["realpath"]
    realpath.restype = ctypes.c_char_p
    return bytes(realpath(path.encode(), None))


def fixed(path: str) -> bytes:
    """Return a path from the root on, and free the string by its address."""
    realpath = libc["realpath"]
    realpath.restype = ctypes.c_void_p
    address = ctypes.c_void_p(realpath(path.encode(), None))
    try:
        return ctypes.string_at(address)
    finally:
        libc.free(address)


@pytest.mark.ocrleak(track="heap,pyblocks")
def test_leaky() -> None:
    """One path."""
    assert leaky(__file__).endswith(b"test_native.py")


@pytest.mark.ocrleak(track="heap,pyblocks")
def test_fixed() -> None:
    """One path."""
    assert fixed(__file__).endswith(b"test_native.py")


@pytest.mark.ocrleak(track="heap", runs=10)
def test_hidden() -> None:
    """By an address that was looked up, memory is taken past everything that watches."""
    libc.malloc(5000)
