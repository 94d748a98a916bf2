"""Device memory of this process, through NVML.

Which figure may be believed depends on the driver and on PID namespaces: drivers before 535.113
list host process ids, those up to 560 may list a container's own process with 0 bytes, and from
565.57 on both are right. Where the process's own row cannot be believed, the device's used bytes
stand in, if nobody else is on the device; else the meter says why it cannot tell.
"""

import functools
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pynvml

from pytest_ocrleak.meters import procfs
from pytest_ocrleak.snapshot import Amount, Reading, Unavailable

ALL_SEEN = ("", "pid:[4026531836]")  # no namespaces, or the first: the kernel's PROC_PID_INIT_INO
BELIEVED_FROM = (565, 57)


class Row(NamedTuple):
    """One process on one device; ``used`` is ``None`` where the driver does not tell."""

    pid: int
    used: int | None


class Device(NamedTuple):
    """What one device reports: its bytes in use and the processes on it."""

    uuid: str
    used: int
    rows: tuple[Row, ...]


def source() -> str:
    """Return the driver that answers."""
    return f"NVML, driver {driver()}"


def read() -> Reading:
    """Return this process's bytes on all devices, or why they cannot be told."""
    if reason := hindrance():
        return Unavailable(reason)
    try:
        return judge(tuple(devices()), os.getpid(), driver(), namespace())
    except pynvml.NVMLError as error:
        return Unavailable(f"NVML: {error}")


@functools.cache
def hindrance() -> str:
    """Open NVML, once for the process, and return why that failed, or nothing.

    It stays open: opening anew at each reading would open and close descriptors that other meters
    count.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        return "no NVIDIA driver"
    except pynvml.NVMLError as error:
        return f"the NVIDIA driver does not answer: {error}"
    return ""


@functools.cache
def driver() -> str:
    """Return the driver's version; NVML must be open."""
    return str(pynvml.nvmlSystemGetDriverVersion())


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


def devices() -> Iterator[Device]:
    """Ask every device for its bytes in use and its processes."""
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        used = int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
        yield Device(str(pynvml.nvmlDeviceGetUUID(handle)), used, tuple(rows(handle)))


def rows(handle: object) -> Iterator[Row]:
    """Return the device's processes; one in both lists is one process, its larger figure counts."""
    compute = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    graphics = pynvml.nvmlDeviceGetGraphicsRunningProcesses(handle)
    used: dict[int, int | None] = {}
    for process in (*compute, *graphics):
        known, more = used.get(process.pid), process.usedGpuMemory
        used[process.pid] = max(known, more) if known and more else known or more
    return (Row(pid, amount) for pid, amount in used.items())


def judge(found: tuple[Device, ...], pid: int, version: str, namespace: str) -> Reading:
    """Choose the figure that can be believed, in the order that the module's docstring gives."""
    own = {device.uuid: row.used for device in found for row in device.rows if row.pid == pid}
    if not rows_believed(version, namespace):
        return Unavailable(
            f"driver {version} does not tell a process in a PID namespace its bytes (565.57 does)"
        )
    told = {uuid: used for uuid, used in own.items() if used is not None}
    if told.keys() == own.keys():
        return Amount(sum(told.values()), "NVML process rows", told)
    if namespace not in ALL_SEEN or shared(found, own, pid):
        return Unavailable("the driver tells no bytes per process, and others may use the device")
    held = {device.uuid: device.used for device in found if device.uuid in own}
    return Amount(sum(held.values()), "NVML device total", held)


def shared(found: tuple[Device, ...], own: Mapping[str, int | None], pid: int) -> bool:
    """Tell whether another process is on one of this process's devices."""
    return any(row.pid != pid for device in found if device.uuid in own for row in device.rows)
