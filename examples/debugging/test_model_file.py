"""A model file stays in use: a copy that is none keeps a model file open and mapped."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest


class Recognizer:
    """Reads its weights from a file where they lie; what it looks up most is kept at hand."""

    first_rows: ClassVar[dict[str, Any]] = {}

    def __init__(self, model: Path) -> None:
        self.weights: Any = np.memmap(model, np.float32, "r", shape=(1000, 64))
        self.name = model.name

    def free_resources(self) -> None:
        """Let the file go, or so it seems."""
        self.weights = None


class Leaky(Recognizer):
    """A slice of an array is a view of it, and holds all of it."""

    def remember(self) -> None:
        """Keep the first rows."""
        self.first_rows[self.name] = self.weights[:10]


class Fixed(Recognizer):
    """A copy holds itself."""

    def remember(self) -> None:
        """Keep the first rows, and nothing else of the file."""
        self.first_rows[self.name] = np.array(self.weights[:10])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model's file."""
    path = tmp_path / "model.bin"
    np.zeros((1000, 64), np.float32).tofile(path)
    return path


def test_leaky(model: Path) -> None:
    """Use an engine, and free it."""
    engine = Leaky(model)
    engine.remember()
    engine.free_resources()


def test_fixed(model: Path) -> None:
    """Use an engine, and free it."""
    engine = Fixed(model)
    engine.remember()
    engine.free_resources()
