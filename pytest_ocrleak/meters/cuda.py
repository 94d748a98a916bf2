"""What the CUDA driver in this process says: the second meter beside NVML.

It is asked through ctypes, and only where somebody else loaded and initialised it. Nothing here
loads the library, calls ``cuInit`` or creates a context; a context would cost the process hundreds
of megabytes for good, and an initialised driver breaks children that are forked later.
"""

import ctypes
import functools
import os
import re
from collections.abc import Iterator

from pytest_ocrleak.meters import procfs

CUDA = "libcuda.so"
ABLE = re.compile(r" (/.*/lib(?:cuda\.so|(?!nvidia-ml\.so)[^/\n]*nvidia)[^/\n]*)$", re.MULTILINE)
NO_CONTEXT = (3, 100)  # CUDA_ERROR_NOT_INITIALIZED, also after a fork; CUDA_ERROR_NO_DEVICE


def may_hold() -> bool:
    """Tell whether this process can hold device memory at all.

    It cannot without one of the driver's libraries (CUDA, OpenCL, OpenGL, Vulkan), and not where
    CUDA is the only one and was not initialised. In doubt it can.
    """
    libraries = loaded()
    if libraries is None or any(CUDA not in path for path in libraries):
        return True
    return bool(libraries) and started(min(libraries))


def loaded() -> frozenset[str] | None:
    """Return the driver's libraries in this process, NVML apart; ``None`` if that is unknown.

    The list of mappings is read as text: asking the dynamic linker (``dl_iterate_phdr``) would call
    back into Python under the linker's lock, where another thread's import can stop both for good.
    """
    if not procfs.LINUX:
        return None
    try:
        return frozenset(ABLE.findall(procfs.text("/proc/self/maps")))
    except OSError:
        return None


def started(path: str) -> bool:
    """Tell whether the driver was initialised in this process and sees a device."""
    try:
        return count(library(path)) not in NO_CONTEXT
    except (OSError, AttributeError):
        return True


@functools.lru_cache(maxsize=1)
def library(path: str) -> ctypes.CDLL:
    """Return the loaded library; raises `OSError` rather than loading it."""
    return ctypes.CDLL(path, mode=os.RTLD_NOLOAD)


def count(driver: ctypes.CDLL) -> int:
    """Return the error of asking how many devices there are, 0 for none."""
    return int(driver.cuDeviceGetCount(ctypes.byref(ctypes.c_int())))


def in_use() -> dict[str, int]:
    """Return the bytes in use on each device where this process has a primary context.

    Devices go by the digits of their UUID. The figure is the whole device's, whoever uses it.
    """
    path = min((path for path in loaded() or () if CUDA in path), default="")
    if not path:
        return {}
    try:
        driver = library(path)
        return {digits(driver, device): used for device, used in measured(driver)}
    except (OSError, AttributeError):
        return {}


def measured(driver: ctypes.CDLL) -> Iterator[tuple[int, int]]:
    """Return each device that can be measured, and its bytes in use."""
    number, device = ctypes.c_int(), ctypes.c_int()
    if driver.cuDeviceGetCount(ctypes.byref(number)):
        return
    for ordinal in range(number.value):
        found = not driver.cuDeviceGet(ctypes.byref(device), ordinal)
        if found and active(driver, device.value):
            used = of_context(driver, device.value)
            if used is not None:
                yield device.value, used


def active(driver: ctypes.CDLL, device: int) -> bool:
    """Tell whether a device's primary context exists; asking does not create it."""
    flags, state = ctypes.c_uint(), ctypes.c_int()
    failed = driver.cuDevicePrimaryCtxGetState(device, ctypes.byref(flags), ctypes.byref(state))
    return not failed and bool(state.value)


def of_context(driver: ctypes.CDLL, device: int) -> int | None:
    """Return the bytes in use on a device whose primary context is active."""
    context, release = ctypes.c_void_p(), driver.cuDevicePrimaryCtxRelease_v2
    if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
        return None
    try:
        return within(driver, context)
    finally:
        release(device)


def within(driver: ctypes.CDLL, context: ctypes.c_void_p) -> int | None:
    """Make a context current, ask for its device's memory, and restore what was current."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ask, restore = driver.cuMemGetInfo_v2, driver.cuCtxPopCurrent_v2
    if driver.cuCtxPushCurrent_v2(context):
        return None
    failed = ask(ctypes.byref(free), ctypes.byref(total))
    restore(ctypes.byref(ctypes.c_void_p()))
    return None if failed else total.value - free.value


def digits(driver: ctypes.CDLL, device: int) -> str:
    """Return the digits of a device's UUID, of its MIG instance's where it is split."""
    raw = (ctypes.c_ubyte * 16)()
    ask = getattr(driver, "cuDeviceGetUuid_v2", None) or driver.cuDeviceGetUuid
    return "" if ask(raw, device) else bytes(raw).hex()
