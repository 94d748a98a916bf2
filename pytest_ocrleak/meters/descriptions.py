"""Whether two descriptors are duplicates: numbers of one open file description (kcmp(2))."""

import ctypes
import functools
import os
import platform
from collections.abc import Callable
from typing import Any

NUMBERS = {  # of the system call, which the C library has no function for
    "x86_64": 312, "aarch64": 272, "riscv64": 272, "i686": 349, "armv7l": 378, "ppc64le": 354,
    "s390x": 343,
}  # fmt: skip
FILE = 0  # KCMP_FILE


@functools.cache
def _call() -> Callable[..., Any] | None:
    number = NUMBERS.get(platform.machine()) if os.name == "posix" else None
    if number is None or platform.system() != "Linux":
        return None
    syscall = ctypes.CDLL(None).syscall
    syscall.restype = ctypes.c_long
    return functools.partial(syscall, ctypes.c_long(number))


def shared(one: int, other: int) -> bool:
    """Tell whether two numbers are of one open file; no where the kernel does not tell."""
    call, me = _call(), ctypes.c_long(os.getpid())
    if call is None:
        return False
    return bool(call(me, me, *map(ctypes.c_long, (FILE, one, other))) == 0)
