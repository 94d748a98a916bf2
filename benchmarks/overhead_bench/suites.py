"""Suites of tests that do nothing, written to a folder, and what their conftest does."""

from pathlib import Path

A_FILE = 500  # tests in a module
DESCRIPTORS, THREADS = 500, 50
OPENED = 10  # files, in each test of a suite that opens some
NOTHING = "nothing"  # a plugin without a hook, in each suite's folder
PLACE = "OVERHEAD_MEMORY"  # the environment's name for where a process tells its memory

_HELD = f"""\
import os
import threading

HELD = [os.open(os.devnull, os.O_RDONLY) for _ in range({DESCRIPTORS})]
for _ in range({THREADS}):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""
_WEIGHED = f"""\
import os
import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    with open("/proc/self/status") as status, open(os.environ["{PLACE}"], "w") as told:
        told.writelines(line for line in status if line.startswith(("VmHWM", "VmRSS")))
"""
CONFTESTS = {"plain": "", "marked": "", "opening": "", "held": _HELD, "weighed": _WEIGHED}
_OPENING = f"[open(__file__).close() for _ in range({OPENED})]"
_MARKED = "import pytest\n\npytestmark = pytest.mark.no_leaks\n\n"


def write(folder: Path, suite: str, tests: int) -> Path:
    """Write a suite, where it is not there yet, and return its folder."""
    home = folder / f"{suite}-{tests}"
    if home.exists():
        return home
    home.mkdir()
    (home / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (home / f"{NOTHING}.py").touch()
    if CONFTESTS[suite]:
        (home / "conftest.py").write_text(CONFTESTS[suite], encoding="utf-8")
    head = _MARKED if suite == "marked" else ""
    for first in range(0, tests, A_FILE):
        numbers = range(first, min(first + A_FILE, tests))
        does = _OPENING if suite == "opening" else "pass"
        body = "\n\n".join(f"def test_{number}(): {does}" for number in numbers)
        (home / f"test_{first}.py").write_text(f"{head}{body}\n", encoding="utf-8")
    return home
