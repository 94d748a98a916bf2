"""The example that tries the shipped engine, and a careless one beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "fuzz_engine.py"


@pytest.mark.parametrize("arguments", [["x"], ["0"], ["3", "1.5"]])
def test_numbers_that_cannot_be_meant(arguments: list[str]) -> None:
    """One sentence, and nothing is tried."""
    done = subprocess.run(
        [sys.executable, EXAMPLE, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fuzz_engine.py: give whole numbers, of sequences 1 or more")
    assert repr(arguments[-1]) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made on Linux")
def test_the_engine_is_clean_and_the_careless_one_is_caught() -> None:
    """A few sequences of good and bad images; the bad one that leaks is told as code."""
    command = [sys.executable, EXAMPLE, "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    clean, caught = done.stdout.split("\n\n== ")
    assert "sequences, " in clean
    assert "CarelessEngine leaks (fds 1 per run, 0 allowed)" in caught
    assert "opened at " in caught
    assert "fuzz_engine.py" in caught
    assert "first.recognize(b'no image')\n" in caught
