"""Delete the old models of an OCR engine, show what is left, and free the engine.

    python ocr_cleanup.py [MODEL_FOLDER]

`clean_up` works with any engine that has `list_local`, `get_local_path` and `free_resources`.
Exit codes: 0 done, 1 some old model could not be deleted, or the folder not be used, 2 bad usage.
"""

import argparse
import os.path
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class Engine(Protocol):
    """What this script needs of an engine."""

    def list_local(self) -> Iterable[str]:
        """Names of the model files on disk."""

    def get_local_path(self) -> str:
        """Absolute folder of those files."""

    def free_resources(self) -> None:
        """Give everything native back."""


def clean_up(engine: Engine, prefix: str = "old_") -> dict[str, OSError]:
    """Delete the models whose name starts with `prefix`, print what is left, free the engine.

    Only regular files directly in the engine's folder are deleted; a symbolic link stays, and so
    does what it leads to. A model that is gone meanwhile is no error.

    Returns
    -------
    dict
        The models that could not be deleted, and why; the others were deleted all the same.
    """
    try:
        names = sorted(engine.list_local())
        print("Models on disk:", names)
        folder = Path(engine.get_local_path())
        failed = delete_old(folder, names, prefix)
        print("Model directory:", folder)
        for name in filter(lambda name: is_in(folder, name), names):
            print(f"{'OLD' if name.startswith(prefix) else 'CURRENT'}: {folder / name}")
    finally:
        engine.free_resources()
        print("All OCR resources have been released.")
    return failed


def delete_old(folder: Path, names: Iterable[str], prefix: str) -> dict[str, OSError]:
    """Delete the old ones of these models; return those that could not be, and why."""
    failed = {}
    for name in names:
        path = folder / name
        if not (name.startswith(prefix) and is_in(folder, name)) or path.is_symlink():
            continue
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            failed[name] = error
        else:
            print("Deleted", name)
    return failed


def is_in(folder: Path, name: str) -> bool:
    """Whether a name is that of a file directly in the folder."""
    return Path(name).name == name and (folder / name).is_file()


def chosen_folder() -> str | None:
    """Return the folder given, if any; end where it is none: the engine would make one there."""
    parser = argparse.ArgumentParser(description="Delete an OCR engine's old models, and free it.")
    what = "the folder of the models (default: the engine's own)"
    parser.add_argument("folder", nargs="?", metavar="MODEL_FOLDER", help=what)
    folder: str | None = parser.parse_args().folder
    if folder is not None and not os.path.isdir(folder):  # noqa: PTH112  # Path("") is "."
        parser.exit(2, f"{parser.prog}: there is no folder {folder!r}; name the models' folder\n")
    return folder


def main() -> int:
    """Clean up the folder given, or the engine's own."""
    folder = chosen_folder()
    from ocrleak_engine import EngineError, OcrEngine  # noqa: PLC0415  # only the script needs it

    try:
        failed = clean_up(OcrEngine(folder))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    for name, problem in failed.items():
        print(f"Could not delete {name}: {problem.strerror}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
