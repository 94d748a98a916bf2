"""Device memory of this process: which of the driver's figures may be believed.

That depends on the driver and on PID namespaces: drivers before 535.113 list host process ids,
those up to 560 may list a container's own process with 0 bytes, and from 565.57 on both are right.
Where this process's own row has no bytes, the device's bytes in use stand in if nobody else is on
the device. Everywhere else the reading cannot be judged and says why. What a framework's pool keeps
unused is left out: it can be given back at any time.
"""

import ctypes
import functools
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ocrleak.inventory import Amount, Reading, Unavailable, Undecidable
from pytest_ocrleak.meters import cuda, pools, procfs

if TYPE_CHECKING:
    from pytest_ocrleak.meters.nvml import Device

ALL_SEEN = ("", "pid:[4026531836]")  # no namespaces, or the first: the kernel's PROC_PID_INIT_INO
BELIEVED_FROM = (565, 57)
QUANTUM = 2 << 20  # bytes; cuMemAlloc takes device memory in blocks of 2 MiB
ROWS, TOTAL = "NVML process rows", "NVML device total"
NOTHING = Amount(0)  # no source: holding nothing may be compared with every source


def source() -> str:
    """Return the driver that answers."""
    from pytest_ocrleak.meters import nvml  # noqa: PLC0415 - only where there may be a driver

    return f"NVML, driver {nvml.driver()}"


def read() -> Reading:
    """Return this process's bytes on all devices, or why they cannot be told.

    A process that cannot hold any is not looked up: on a machine with GPUs most tests never touch
    one, and for them nobody else's use of it is of interest.
    """
    if procfs.LINUX and not driver_library():
        return Unavailable("no NVIDIA driver")
    from pytest_ocrleak.meters import nvml  # noqa: PLC0415 - only where there may be a driver

    try:
        version = nvml.driver()
        if not cuda.may_hold():
            return NOTHING
        found, pid, name = nvml.devices(), os.getpid(), namespace()
    except nvml.NoAnswerError as error:
        return Unavailable(str(error))
    return in_use(confirmed(judge(found, pid, version, name), found, pid, name))


def in_use(reading: Reading) -> Reading:
    """Return a reading without what the pools of frameworks keep and nobody uses: it is no leak."""
    kept = {pool.name: pool.bytes for pool in pools.retained()}
    if not kept or not isinstance(reading, Amount) or not reading.value:
        return reading
    other = None if reading.other is None else max(0, reading.other - sum(kept.values()))
    parts = {**reading.parts, **{name: -size for name, size in kept.items()}}
    return replace(
        reading, value=max(0, reading.value - sum(kept.values())), other=other, parts=parts
    )


@functools.cache
def driver_library() -> bool:
    """Tell whether the driver's library is there: Linux has it where it has the driver."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def namespace() -> str:
    """Return the name of this process's PID namespace, empty where the system has none."""
    try:
        return procfs.link("/proc/self/ns/pid")
    except OSError:
        return ""


def rows_believed(version: str, namespace: str) -> bool:
    """Tell whether a process finds its own bytes in the driver's list."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return namespace in ALL_SEEN or numbers >= BELIEVED_FROM


def judge(found: "tuple[Device, ...]", pid: int, version: str, namespace: str) -> Reading:
    """Choose the figure that can be believed, in the order that the module's docstring gives."""
    if not rows_believed(version, namespace):
        return Undecidable(
            f"driver {version} does not tell a process in a PID namespace its bytes (565.57 does)"
        )
    if silent := [device.uuid for device in found if device.rows is None]:
        return Undecidable(f"the driver lists no processes on {silent[0]}")
    own = {each.uuid: row.used for each in found for row in each.rows or () if row.pid == pid}
    told = {uuid: used for uuid, used in own.items() if used is not None}
    if not own:
        return NOTHING
    if told.keys() == own.keys() and any(told.values()):
        return Amount(sum(told.values()), ROWS, told)
    return total(tuple(each for each in found if each.uuid in own), pid, namespace)


def total(found: "tuple[Device, ...]", pid: int, namespace: str) -> Reading:
    """Return the bytes in use on this process's devices, if they can be no one else's."""
    untold = "the driver tells no bytes per process, and"
    if namespace not in ALL_SEEN:
        return Undecidable(f"{untold} a PID namespace hides who else uses the device")
    if strangers := others(found, pid):
        return Undecidable(f"{untold} process {min(strangers)} uses the device too")
    held = {device.uuid: device.used for device in found if device.used is not None}
    if len(held) < len(found):
        return Undecidable(f"{untold} none for the device")
    return Amount(sum(held.values()), TOTAL, held)


def others(found: "tuple[Device, ...]", pid: int) -> set[int]:
    """Return the other processes on some devices."""
    return {row.pid for device in found for row in device.rows or ()} - {pid}


def confirmed(reading: Reading, found: "tuple[Device, ...]", pid: int, namespace: str) -> Reading:
    """Add the second meter's figure, where it has one for each device and counts the same.

    It counts whole devices, so it does where this process can see that nobody else uses them.
    """
    if not isinstance(reading, Amount) or not reading.parts or namespace not in ALL_SEEN:
        return reading
    if others(tuple(each for each in found if each.uuid in reading.parts), pid):
        return reading
    used = cuda.in_use()
    known = [used[key] for uuid in reading.parts if (key := digits(uuid)) in used]
    return replace(reading, other=sum(known)) if len(known) == len(reading.parts) else reading


def digits(uuid: str) -> str:
    """Return the digits of ``GPU-8f6d0d4c-…`` or ``MIG-…``, as the CUDA driver has them."""
    return uuid.partition("-")[2].replace("-", "").lower()
