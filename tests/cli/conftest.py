"""Real processes for the command line to look at."""

from collections.abc import Iterator

import pytest
from planting import Planted


@pytest.fixture
def planted() -> Iterator[Planted]:
    """Return a process to plant things in."""
    process = Planted()
    process("nothing", 0)  # it has imported what it needs
    yield process
    process.end()
