"""Life after life of real engines, in processes of their own.

What keeps memory is looked for among all objects, which takes long in the process of a whole test
suite.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = "tests/gate/lives.py"
OPTIONS = ("-q", "-p", "pytest_ocrleak.plugin", "-p", "no:cacheprovider")
KEPT = "kept_after_freeing"


@pytest.mark.parametrize(("part", "tests"), [(KEPT, 13), (f"not {KEPT}", 19)])
def test_lives(part: str, tests: int) -> None:
    """The good engines pass, each careless one is caught and named."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, SUITE, "-k", part],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"\n{tests} passed, " in done.stdout
