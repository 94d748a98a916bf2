"""The proof's output, made once for all tests that look at it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def proof() -> str:
    """Run the README's example and return what it prints."""
    command = [sys.executable, EXAMPLES / "prove_release.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
