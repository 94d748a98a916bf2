"""Put a file in place whole or not at all, whoever is killed and whoever else is writing.

Data goes to a temporary file in the target's folder, to the disk (`fsync`), and only then gets its
name. A name that is taken is never overwritten. A killed copy leaves a temporary file behind whose
name no listing takes for a model; `clear_leftovers` removes it a day later.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PART = ".ocrleak-part"
ABANDONED_AFTER = 24 * 60 * 60  # seconds; by age, since locks and process ids end at a container


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that gets the name `target` once the block is left without error.

    Raises
    ------
    FileExistsError
        Something already has that name; it is left as it is.
    OSError
        The data could not be written; nothing is left behind.
    """
    part = target.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        move_new(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def copy_whole(source: Path, target: Path) -> None:
    """Copy content, mode and times to a new name, and compare what was written with the source.

    Raises
    ------
    FileExistsError
        Something already has the target's name; it is left as it is.
    OSError
        The copy failed or differs; nothing is left behind.
    """
    with appearing(target) as out:
        with source.open("rb") as data:
            shutil.copyfileobj(data, out)
        out.flush()
        with contextlib.suppress(OSError):  # not every file system keeps modes
            shutil.copystat(source, out.name)
        if digest(Path(out.name)) != digest(source):
            raise OSError(errno.EIO, "the copy differs from the original", str(source))


def move_new(source: Path, target: Path) -> None:
    """Rename within a file system, refusing a taken name.

    A hard link is the one portable call that fails when the name is taken; killed between the two
    steps, the file is whole under both names. Where there are no hard links (FAT, some network
    folders) the check and the rename are two steps.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        _rename_new(source, target)
    else:
        source.unlink()


def _rename_new(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "File exists", str(target))
    source.rename(target)


def digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, where the platform can open folders.

    The descriptor is put where `finally` finds it by the very call that opens it: Ctrl-C may
    strike as soon as a call returns, before what it returned has a name.
    """
    opened: list[int] = []
    with contextlib.suppress(OSError):
        try:
            opened.extend(map(os.open, [folder], [os.O_RDONLY]))
            os.fsync(opened[0])
        finally:
            for descriptor in opened:
                os.close(descriptor)


def clear_leftovers(folder: Path) -> None:
    """Remove what copies that were killed more than a day ago left in a folder."""
    for part in folder.glob(f".*{PART}"):
        with contextlib.suppress(OSError):
            if time.time() - part.lstat().st_mtime > ABANDONED_AFTER:
                part.unlink()
