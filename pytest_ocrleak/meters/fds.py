"""Open descriptors: what each one is, told by number, device and inode.

Linux lists them in ``/proc/self/fd``, the other POSIX systems in ``/dev/fd``. The listing itself
opens a descriptor; it is closed again by the time each one is asked for, and drops out.
"""

import os
import re
import socket
import stat
import sys
from collections.abc import Callable

from pytest_ocrleak.inventory import Descriptor, Items, Reading, Unavailable
from pytest_ocrleak.meters import procfs, reserve

FOLDER = "/proc/self/fd" if procfs.LINUX else "/dev/fd"
TRACKER, SERVER = "multiprocessing.resource_tracker", "multiprocessing.forkserver"
KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "pipe",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def source() -> str:
    """Return where the descriptors are read from."""
    return f"{FOLDER}, fstat"


def read() -> Reading:
    """Return every open descriptor of this process as `Descriptor`."""
    if sys.platform == "win32":
        return Unavailable("listing handles on Windows is not supported yet")
    numbers = {int(name) for name in os.listdir(FOLDER)} - helpers()  # noqa: PTH208 - names, fast
    found = (describe(number) for number in sorted(numbers))
    return Items(tuple(each for each in found if each and not mine(each)))


def mine(found: Descriptor) -> bool:
    """Tell whether a descriptor is this plugin's own."""
    return reserve.is_ours(found.number, found.device, found.inode)


def helpers() -> set[int]:
    """Return the descriptors through which multiprocessing talks to the helpers it keeps for good.

    Its resource tracker and fork server start at the first use and end with the process.
    """
    tracker = getattr(sys.modules.get(TRACKER), "_resource_tracker", None)
    server = getattr(sys.modules.get(SERVER), "_forkserver", None)
    names = ((tracker, "_fd"), (server, "_forkserver_fd"), (server, "_forkserver_alive_fd"))
    found = (getattr(owner, name, None) for owner, name in names)
    return {number for number in found if isinstance(number, int)}


def describe(number: int) -> Descriptor | None:
    """Return the descriptor behind ``number``, or ``None`` when it is closed by now."""
    try:
        status = os.fstat(number)
        target = procfs.link(f"{FOLDER}/{number}") if procfs.LINUX else f"descriptor {number}"
    except OSError:
        return None
    kind = KINDS.get(stat.S_IFMT(status.st_mode)) or special(target)
    if kind == "socket":
        target = ends(number) or target
    elif target.startswith("/memfd:"):
        kind = "memfd"
    return Descriptor(number, status.st_dev, status.st_ino, kind, target)


def ends(number: int) -> str:
    """Return a socket's family, kind and both addresses, or nothing where it has none."""
    try:
        end = socket.socket(fileno=number)
    except OSError:
        return ""
    try:
        addresses = [address(end.getsockname), address(end.getpeername)]
        if not any(addresses):
            return ""
        kind = f"{end.family.name.removeprefix('AF_')} {end.type.name.removeprefix('SOCK_')}"
        return f"{kind.lower()} socket {' → '.join(each or '-' for each in addresses)}"
    finally:
        end.detach()  # it is somebody else's, and stays open


def address(ask: Callable[[], object]) -> str:
    """Return one end's address: host and port, a path, or nothing where there is none."""
    try:
        found = ask()
    except OSError:
        return ""
    if isinstance(found, tuple):
        return ":".join(map(str, found[:2]))
    return os.fsdecode(found) if isinstance(found, (str, bytes)) else ""


def special(target: str) -> str:
    """Return the kernel's name for a descriptor without a file: eventfd, eventpoll, inotify …."""
    match = re.match(r"anon_inode:\[?([\w-]+)", target)
    return match.group(1) if match else "descriptor"
