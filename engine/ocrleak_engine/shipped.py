"""The models shipped in the package: what they are, and how they get into a model folder."""

import contextlib
import functools
import hashlib
import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from .copying import appearing, clear_leftovers
from .errors import ModelError


@dataclass(frozen=True)
class ShippedFile:
    """One entry of `models/MODELS.toml`; `size` in bytes, `sha256` in hexadecimal."""

    name: str
    size: int
    sha256: str


def folder() -> Traversable:
    """Where the package keeps the shipped files (not a path when it is imported from a zip)."""
    return resources.files(__package__) / "models"


@functools.cache
def files() -> tuple[ShippedFile, ...]:
    """List the shipped files in the order in which to copy them: characters before models."""
    entries = tomllib.loads((folder() / "MODELS.toml").read_text("utf-8"))["file"]
    return tuple(ShippedFile(e["name"], e["size"], e["sha256"]) for e in entries)


def install(target: Path, stem: str = "") -> None:
    """Copy into `target` whichever shipped files it lacks; what is there stays as it is.

    With a `stem` only the model of that name and its characters.

    Any number of processes may do this at once: each file appears whole, and whoever comes second
    leaves the first one's copy alone.

    Raises
    ------
    ModelError
        The folder cannot be made or written, or a shipped file is damaged.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        clear_leftovers(target)
        for file in files():
            if stem in ("", Path(file.name).stem):
                _install_one(file, target / file.name)
    except (OSError, ValueError) as error:
        raise _cannot_copy(target, error) from error


def _install_one(file: ShippedFile, target: Path) -> None:
    if target.exists():
        return
    data = _checked(file)
    with contextlib.suppress(FileExistsError), appearing(target) as out:
        out.write(data)


def _checked(file: ShippedFile) -> bytes:
    source = folder() / file.name
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read the shipped file {source} ({error.strerror}); reinstall ocrleak-engine"
        ) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ModelError(
            f"the shipped file {source} is damaged (its SHA-256 is not {file.sha256}); "
            "reinstall ocrleak-engine"
        )
    return data


def _cannot_copy(target: Path, error: Exception) -> ModelError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return ModelError(
        f"cannot copy the shipped models into {target} ({reason}); "
        "make it a writable folder with 7 MB free, or name another one (OCRLEAK_MODEL_DIR)"
    )
