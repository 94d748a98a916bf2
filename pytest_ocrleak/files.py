"""Writing a file whole or not at all."""

import os
import tempfile
from pathlib import Path


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
