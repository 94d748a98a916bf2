"""What is mapped without a file: the account of the allocators fits the areas it is set against."""

import ctypes
import sys
from collections.abc import Iterable

import pytest

from pytest_ocrleak.inventory import Items, MappedFile
from pytest_ocrleak.meters import allocated, maps
from pytest_ocrleak.meters.areas import Area

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mappings are Linux's")
LARGE = 64 << 20  # bytes that glibc maps for themselves


def nobodys() -> int:
    """Return the bytes that are mapped without a file and that no allocator accounts for."""
    reading = maps.read()
    assert isinstance(reading, Items)
    return sum(
        item.size
        for item in reading.items
        if isinstance(item, MappedFile) and item.kind == "anonymous"
    )


def test_memory_that_an_allocator_maps_while_the_areas_are_explained_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is in the allocator's account and not in the areas that were listed before."""
    process, taken = ctypes.CDLL(None), list[ctypes.c_void_p]()
    process.malloc.restype = ctypes.c_void_p
    account = allocated.mapped

    def late(private: Iterable[Area]) -> int | None:
        if not taken:
            taken.append(ctypes.c_void_p(process.malloc(ctypes.c_size_t(LARGE))))
        return account(private)

    before = nobodys()
    monkeypatch.setattr(allocated, "mapped", late)
    maps.mapped.cache_clear()
    try:
        assert abs(nobodys() - before) < LARGE / 2
    finally:
        process.free(taken[0])
