"""What NVML answers: the devices, the processes on them, the bytes in use.

The one importer of pynvml; its errors go no further than this file. NVML stays open: opening anew
at each reading would open and close descriptors that other meters count. A child that was forked
off opens it for itself, since the driver does not know it as the one that opened it.
"""

import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pynvml

OLDER = (
    pynvml.NVMLError_FunctionNotFound,
    pynvml.NVMLError_InvalidArgument,
    pynvml.NVMLError_ArgumentVersionMismatch,
)


class Row(NamedTuple):
    """One process on one device; ``used`` is ``None`` where the driver does not tell."""

    pid: int
    used: int | None


class Device(NamedTuple):
    """One device, or one MIG instance: the processes on it, and its bytes in use.

    ``rows`` is ``None`` where the driver lists no processes. ``used`` is asked for only where the
    row of this process has no bytes, and ``None`` where it cannot be told either.
    """

    uuid: str
    rows: tuple[Row, ...] | None
    used: int | None = None


class NoAnswerError(Exception):
    """NVML does not answer; the text is the reason, in the words of the report."""


@dataclass(frozen=True, slots=True)
class Opened:
    """NVML as a process opened it: the driver's version and a handle for each UUID.

    Handles go by UUID, since an index may mean another device tomorrow. ``hindrance`` is why it
    cannot be used, or empty.
    """

    version: str = ""
    handles: Mapping[str, Any] = field(default_factory=dict)
    hindrance: str = ""


def driver() -> str:
    """Return the driver's version.

    Raises
    ------
    NoAnswerError
        There is no driver, or no device.

    """
    return usable().version


def devices() -> tuple[Device, ...]:
    """Ask every device for its processes.

    Raises
    ------
    NoAnswerError
        There is no driver, no device, or one of them fails.

    """
    try:
        return ask(usable())
    except pynvml.NVMLError_Uninitialized:
        opened.cache_clear()  # somebody shut it down more often than they opened it
    except pynvml.NVMLError as error:
        raise NoAnswerError(f"NVML: {error}") from None
    try:
        return ask(usable())
    except pynvml.NVMLError as error:
        raise NoAnswerError(f"NVML: {error}") from None


def usable() -> Opened:
    """Return NVML as this process opened it, or raise `NoAnswerError`."""
    library = opened(os.getpid())
    if library.hindrance:
        raise NoAnswerError(library.hindrance)
    return library


@functools.lru_cache(maxsize=1)
def opened(pid: int) -> Opened:
    """Open NVML for the process ``pid``, which is this one, and find its devices."""
    del pid  # the cache's key: a forked child has another
    try:
        pynvml.nvmlInit()
        version = str(pynvml.nvmlSystemGetDriverVersion())
        handles = {str(pynvml.nvmlDeviceGetUUID(handle)): handle for handle in each()}
    except pynvml.NVMLError_LibraryNotFound:
        return Opened(hindrance="no NVIDIA driver")
    except pynvml.NVMLError as error:
        return Opened(hindrance=f"the NVIDIA driver does not answer: {error}")
    return Opened(version, handles, "" if handles else "the NVIDIA driver shows no device")


def each() -> Iterator[Any]:
    """Return a handle for each device; for a device that is split, for each of its instances."""
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        if is_split(handle):
            yield from instances(handle)
        else:
            yield handle


def is_split(handle: Any) -> bool:
    """Tell whether a device is split into MIG instances, which alone tell bytes per process."""
    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:
        return False  # most devices cannot be split, and older drivers do not know the question
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)


def instances(handle: Any) -> Iterator[Any]:
    """Return the MIG instances that this process may see; their numbers may have gaps."""
    for index in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            yield pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
        except (pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
            continue


def ask(library: Opened) -> tuple[Device, ...]:
    """Ask each device for its processes, and for its bytes where this process's row has none."""
    pid = os.getpid()
    return tuple(device(uuid, handle, pid) for uuid, handle in library.handles.items())


def device(uuid: str, handle: Any, pid: int) -> Device:
    """Return what one device answers to the process ``pid``."""
    rows = merged(processes(handle, "Compute"), processes(handle, "Graphics"))
    untold = any(row.pid == pid and not row.used for row in rows or ())
    return Device(uuid, rows, in_use(handle) if untold else None)


def processes(handle: Any, kind: str) -> list[Any] | None:
    """Return the list of processes of one kind, ``None`` where the driver has no such list.

    The third version of the list came with driver 510, the second with 450.
    """
    for version in ("v3", "v2"):
        try:
            return list(getattr(pynvml, f"nvmlDeviceGet{kind}RunningProcesses_{version}")(handle))
        except pynvml.NVMLError_FunctionNotFound:
            continue
        except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_NoPermission):
            return None
    return None


def merged(compute: list[Any] | None, graphics: list[Any] | None) -> tuple[Row, ...] | None:
    """Return one row a process; one in both lists is one process, and its larger figure counts.

    Without the list of compute processes nothing is known; devices without graphics have no other.
    """
    if compute is None:
        return None
    used: dict[int, int | None] = {}
    for process in (*compute, *(graphics or ())):
        known, more = used.get(process.pid), process.usedGpuMemory
        used[process.pid] = more if known is None else max(known, more or 0)
    return tuple(Row(pid, amount) for pid, amount in used.items())


def in_use(handle: Any) -> int | None:
    """Return the device's bytes in use, ``None`` where it has none to tell.

    The second version of the answer leaves out what the driver reserves for itself; older
    libraries have the first alone.
    """
    for version in (pynvml.nvmlMemory_v2, None):
        try:
            return int(pynvml.nvmlDeviceGetMemoryInfo(handle, version).used)
        except OLDER:
            continue
        except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_NoPermission):
            return None
    return None
