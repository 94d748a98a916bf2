"""Threads stay after the engine was freed: its model's input holds the whole session."""

from importlib.resources import files
from typing import Any, ClassVar

import ocrleak_engine  # noqa: F401  # which turns onnxruntime's telemetry off
import onnxruntime

MODEL = str(files("ocrleak_engine") / "models" / "ppocrv6_tiny_rec.onnx")


class Engine:
    """Holds a session, and remembers something of its model's inputs."""

    inputs: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.session: Any = onnxruntime.InferenceSession(MODEL)
        self.inputs.append(self.remembered())

    def remembered(self) -> Any:
        """Return what is to be remembered: nothing."""
        return ()

    def free_resources(self) -> None:
        """Drop the session."""
        self.session = None


class Leaky(Engine):
    """Remembers onnxruntime's description of the input."""

    def remembered(self) -> Any:
        """Return the description."""
        return self.session.get_inputs()[0]


class Fixed(Engine):
    """Remembers what it needs of the description."""

    def remembered(self) -> Any:
        """Return the input's name and shape."""
        described = self.session.get_inputs()[0]
        return described.name, described.shape


def test_leaky() -> None:
    """Make an engine and free it."""
    Leaky().free_resources()


def test_fixed() -> None:
    """Make an engine and free it."""
    Fixed().free_resources()
