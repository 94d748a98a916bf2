"""Holdings as literals."""

from pytest_ocrleak.cli.process.holdings import (
    Gpu,
    Holdings,
    Identity,
    Limit,
    Mapped,
    Memory,
    Open,
    Task,
)

NOW = 1_800_000_000.0
EMPTY = Holdings(
    process=Identity(4242, "server", "server --port 80", "ann", NOW - 4000),
    taken=NOW,
    limit=Limit(1024, 4096),
    descriptors=(),
    mappings=(Mapped("heap", "", 1, 8 << 20, 4 << 20),),
    threads=(Task(4242, "server", "S", 1.5, NOW - 4000),),
    children=(),
    memory=Memory(6_000_000, 0, {"heap": 4_000_000, "libraries": 2_000_000}, 5_500_000, 5_000_000),
    gpu=Gpu(0, {}, "no NVIDIA driver"),
)


def files(*paths: str, deleted: bool = False, size: int = 4096) -> tuple[Open, ...]:
    """Return a descriptor for each path; one path is one file."""
    inodes = {path: 100 + index for index, path in enumerate(dict.fromkeys(paths))}
    return tuple(
        Open(number, "file", path, 1, inodes[path], deleted=deleted, size=size)
        for number, path in enumerate(paths, 3)
    )


def tcp(state: str, local: str, remote: str = "", number: int = 50) -> Open:
    """Return a TCP socket."""
    return Open(number, "socket", "tcp", state=state, local=local, remote=remote)
