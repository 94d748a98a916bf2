"""Environments with packages from PyPI, kept from one run of the tests to the next."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")


def environment(home: Path, name: str, pins: Sequence[str], *options: str) -> Path:
    """Return the interpreter of an environment with some packages, made unless it is there.

    This project is installed into it as it stands, so that a kept environment has today's code.
    """
    wanted = json.dumps([platform.python_version(), str(ROOT), pins])
    folder = home / f"{name}-py{platform.python_version()}"
    python, stamp = folder.joinpath(*SCRIPTS), folder / "installed.json"
    if not stamp.exists() or stamp.read_text("utf8") != wanted:
        done(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        done(*pip, *options, "--editable", str(ROOT), *pins)
        stamp.write_text(wanted, "utf8")
    return python


def done(*command: str, seconds: float = 300.0) -> str:
    """Run a command to its end and return its output; one that fails shows its errors."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}{result.stderr}"
    return result.stdout
