"""A process's sockets by descriptor, as psutil tells them."""

import socket
from typing import Any, NamedTuple

import psutil

FAMILIES = {socket.AF_INET: "", socket.AF_INET6: "6"}
TYPES = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}


class Socket(NamedTuple):
    """A socket's family, its TCP state and both its ends; nothing of it where it has none.

    The system lists no socket that was neither bound nor connected, none of rarer families, and
    none of another network namespace.
    """

    family: str = ""
    state: str = ""
    local: str = ""
    remote: str = ""


def sockets_of(process: psutil.Process) -> dict[int, Socket]:
    """Return the sockets of a process that have an address, by descriptor."""
    return {each.fd: described(each) for each in process.net_connections("all")}


def described(found: Any) -> Socket:
    """Return what psutil tells of one socket."""
    state = "" if found.status == psutil.CONN_NONE else str(found.status)
    if found.family not in FAMILIES:
        return Socket("unix", state, str(found.laddr), str(found.raddr))
    name = f"{TYPES.get(found.type, 'raw')}{FAMILIES[found.family]}"
    return Socket(name, state, address(found.laddr), address(found.raddr))


def address(end: Any) -> str:
    """Return one end of a socket as ``host:port``, nothing where there is none."""
    if not end:
        return ""
    host = f"[{end.ip}]" if ":" in end.ip else end.ip
    return f"{host}:{end.port}"
