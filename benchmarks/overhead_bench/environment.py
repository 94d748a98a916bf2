"""The environment that the suites run in: this repository's plugin and its peers, pinned.

It is made at the first run and kept in the user's cache folder, one for each list of packages,
pyproject.toml, version of Python and place of the repository.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import cast

REPOSITORY = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parents[1] / "overhead-requirements.txt"
PROJECT = REPOSITORY / "pyproject.toml"
PACKAGES = (
    "pytest-ocrleak", "pytest", "pytest-xdist", "distributed", "pyleak",
    "pytest-memray", "pytest-openfiles", "psutil",
)  # fmt: skip
MADE = "made"  # a file that stands there once all is installed
VERSIONS = """\
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


class NotMadeError(Exception):
    """The environment could not be made, and why."""


def python() -> Path:
    """Return the interpreter of the environment, which is made where it is not there yet.

    Raises
    ------
    NotMadeError
        There is no pip, or it did not install all packages.

    """
    folder = place()
    found = folder / "bin" / "python"
    if not (folder / MADE).exists():
        print(f"making {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            venv.create(folder, with_pip=True)
        except subprocess.CalledProcessError as error:
            raise NotMadeError(f"no virtual environment could be made: {error}") from None
        install(found)
        (folder / MADE).touch()
    return found


def place() -> Path:
    """Return the environment's folder, named by what is installed there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lists = (file.read_text(encoding="utf-8") for file in (REQUIREMENTS, PROJECT))
    parts = (*lists, sys.version, str(REPOSITORY))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return cache / "pytest-ocrleak" / f"overhead-{digest}"


def install(interpreter: Path) -> None:
    """Install the packages.

    Raises
    ------
    NotMadeError
        pip did not install all of them.

    """
    command = [str(interpreter), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
    done = subprocess.run(
        [*command, "-e", str(REPOSITORY)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotMadeError(errors[-1] if errors else f"pip ended with {done.returncode}")


def versions(interpreter: Path) -> dict[str, str]:
    """Return the versions of what is compared."""
    command = [str(interpreter), "-c", VERSIONS, *PACKAGES]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    return cast("dict[str, str]", json.loads(told))


def commit() -> str:
    """Return the commit that is measured, and whether the plugin differs from it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--short", "--", "pytest_ocrleak")
    return f"{head}{', with changes' * bool(changed)}" if head else "unknown"


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
