"""Python processes that import the engine under test, with pipes on all three streams."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ocrleak_engine

RAM = Path("/dev/shm")  # a second file system
PACKAGE = Path(ocrleak_engine.__file__).parent


def environment(package: Path = PACKAGE) -> dict[str, str]:
    """Return an environment in which any working directory finds the package.

    Streams are buffered there, as users have them: unbuffered, a failing last flush goes unseen.
    """
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    return inherited | {"PYTHONPATH": str(package.parent)}


def start(*arguments: object, package: Path = PACKAGE) -> subprocess.Popen[str]:
    """Start `python ARGUMENTS…`."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=environment(package),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed; return what it printed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def struck(scenario: str) -> int:
    """Run a scenario of `kill_points.py` in one file system; return at how many points it struck.

    In memory where that can be: hundreds of `fsync` on a busy disk prove nothing more.
    """
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None) as place:
        return struck_in(scenario, Path(place, "models"), Path(place, "other"))


def struck_in(scenario: str, folder: Path, other: Path) -> int:
    """Run a scenario of `kill_points.py` in these folders; return at how many points it struck."""
    script = Path(__file__).with_name("kill_points.py")
    return int(finish(start(script, scenario, folder, other)))
