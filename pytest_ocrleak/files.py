"""Writing a file whole or not at all, and reading no more of one than there is room for."""

import os
import tempfile
from pathlib import Path

LARGEST = 256_000_000  # bytes that are read; a check of a report takes some 4,000


class TooLargeError(ValueError):
    """There is more to read than anything of ours is long."""


def read(path: Path, most: int = LARGEST) -> bytes:
    """Return what is in a file, or comes out of a pipe.

    Raises
    ------
    TooLargeError
        It is more than so many bytes, or has no end: no more than one byte beyond is read.
    OSError
        It cannot be read.

    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise TooLargeError(f"more than {most:,} bytes")
    return content


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path``: whoever reads it meanwhile, or after a crash, sees old or new.

    Raises
    ------
    OSError
        The folder cannot be made or written, or the disk is full; the old file is untouched.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).chmod(0o666 & ~umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def umask() -> int:
    """Return the permissions that new files are made without; it can only be read by setting it."""
    os.umask(value := os.umask(0))
    return value
