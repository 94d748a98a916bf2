"""The model folder: where it is, what is in it, and which names lead into it.

Only direct children of the folder are models, by their suffix. A name is looked up, never a path:
whatever could lead elsewhere (separators of either kind, "..", a drive, a symbolic link out) is
refused before anything is opened.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import platformdirs

from . import shipped
from .errors import ModelError, ModelNameError, ModelNotFoundError

DEFAULT_DETECTOR = "ppocrv6_tiny_det.onnx"
DEFAULT_RECOGNIZER = "ppocrv6_tiny_rec.onnx"
SUFFIXES = (".onnx", ".ort", ".bin")
FOLDER_VARIABLE = "OCRLEAK_MODEL_DIR"
OLD_PREFIX = "old_"
CHARACTERS_BYTES = 16 << 20  # all of Unicode, one a line, is a third of it


@dataclass(frozen=True)
class AuditLine:
    """One model of an audit; `old` when its name starts with the prefix."""

    path: Path
    old: bool

    def __str__(self) -> str:
        return f"{'OLD' if self.old else 'CURRENT'}: {self.path}"


class ModelFolder:
    """A folder of model files; making one touches nothing on disk.

    Parameters
    ----------
    path
        The folder, which need not exist yet. By default `$OCRLEAK_MODEL_DIR`, else a folder of
        this user's own, as the platform has it (`~/.local/share/ocrleak-engine/models` on Linux).
    """

    path: Path

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        chosen = _default_folder() if path is None else os.fspath(path)
        if not chosen or not _encodable(chosen):
            raise ModelError(f"{chosen!r} cannot be a folder's name; name a folder for the models")
        self.path = Path(os.path.abspath(chosen))  # noqa: PTH100  # resolve() would follow links

    def ensure(self) -> None:
        """Copy the shipped models in, if the folder holds no model of the user's own.

        A folder that holds some of the shipped files and nothing else is completed: that is what a
        copy by another process looks like while it runs, or after it was killed.

        Raises
        ------
        ModelError
            The folder cannot be read, made or written, or a shipped file is damaged.
        """
        present = {entry.name for entry in self.entries() if entry.is_file()}
        expected = {file.name for file in shipped.files()}
        own = [name for name in present - expected if is_model_name(name)]
        if not own and not expected <= present:
            shipped.install(self.path)

    def list_local(self) -> list[str]:
        """Names of the models in the folder, sorted; the shipped ones are copied in first."""
        self.ensure()
        return self.present()

    def present(self) -> list[str]:
        """Names of the models that are in the folder now, sorted; nothing is copied in.

        A symbolic link counts when it leads to a file inside the folder.
        """
        return sorted(e.name for e in self.entries() if is_model_name(e.name) and self._usable(e))

    def resolve(self, name: str) -> Path:
        """Absolute path of a model in the folder.

        Raises
        ------
        ModelNameError
            The name leads outside the folder, or is no model file's name.
        ModelNotFoundError
            No model of that name is there.
        """
        self.check_name(name)
        self.ensure()
        path = self.path / name
        if not self._inside(path):
            raise self._outside(name)
        if not os.path.lexists(path) and name in {file.name for file in shipped.files()}:
            shipped.install(self.path, path.stem)  # beside a model of the user's for another stage
        if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises on a name too long
            raise self._missing(name)
        return path

    def check_name(self, name: str) -> None:
        """Raise ModelNameError unless a file of this name in the folder would be a model."""
        if not is_plain_name(name):
            raise self._outside(name)
        if not is_model_name(name):
            raise ModelNameError(
                f"{name!r} is no model file's name; it must end in {', '.join(SUFFIXES)} "
                "and not begin with a dot"
            )

    def characters(self, name: str) -> list[str] | None:
        r"""Read the characters of a recognizer from the `.txt` beside it, or None without one.

        One a line, UTF-8, in the order of the model's outputs. Lines end at "\n" only: the
        characters themselves include ones that `str.splitlines` would split at.

        Raises
        ------
        ModelError
            The `.txt` cannot be read, is no regular file, too large, or not UTF-8.
        """
        path = self.resolve(name).with_suffix(".txt")
        if not self._inside(path):
            raise self._outside(path.name)
        try:
            text = _read_small(path).decode("utf-8-sig")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ModelError(
                f"cannot read the characters in {path} ({error}); save it as UTF-8, one a line"
            ) from error
        return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]

    def audit(self, prefix: str = OLD_PREFIX) -> list[AuditLine]:
        """Each model's absolute path, and whether its name marks it as old; sorted by name."""
        return [AuditLine(self.path / name, name.startswith(prefix)) for name in self.list_local()]

    def entries(self) -> list[os.DirEntry[str]]:
        """Everything in the folder, models or not, in no order; nothing when it is not there."""
        try:
            with os.scandir(self.path) as entries:
                return list(entries)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ModelError(
                f"cannot read the model folder {self.path} ({error.strerror}); "
                f"move what is in its way, or name another folder ({FOLDER_VARIABLE})"
            ) from error

    def _usable(self, entry: os.DirEntry[str]) -> bool:
        return entry.is_file() and self._inside(self.path / entry.name)

    def _inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).parent == Path(os.path.realpath(self.path))

    def _outside(self, name: str) -> ModelNameError:
        return ModelNameError(
            f"{name!r} is outside the model folder {self.path}; "
            "put the model into that folder and give its file name alone"
        )

    def _missing(self, name: str) -> ModelNotFoundError:
        there = ", ".join(self.present()) or "no model"
        return ModelNotFoundError(
            f"no model {name!r} in {self.path} (there: {there}); "
            "put the file there, or name one that is"
        )


def _read_small(path: Path) -> bytes:
    """Read a file; raise ValueError where that might never end, or fill the memory."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no regular file")
    if found.st_size > CHARACTERS_BYTES:
        raise ValueError(f"it has {found.st_size} bytes, more than the limit of {CHARACTERS_BYTES}")
    return path.read_bytes()


def is_plain_name(name: str) -> bool:
    r"""Whether a name is one path component on every platform ("a\b" and "C:x" are not)."""
    return name not in ("..", ".") and "/" not in name and PureWindowsPath(name).name == name


def is_model_name(name: str) -> bool:
    """Whether a file of this name in the folder would be a model; hidden files never are."""
    return (
        is_plain_name(name)
        and _encodable(name)
        and not name.startswith(".")
        and name.endswith(SUFFIXES)
    )


def _encodable(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _default_folder() -> str:
    return os.environ.get(FOLDER_VARIABLE) or os.path.join(  # noqa: PTH118  # may be empty or bytes
        platformdirs.user_data_dir("ocrleak-engine", appauthor=False), "models"
    )
