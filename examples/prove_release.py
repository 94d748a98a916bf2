"""Recognize text, prove that the engine gives everything back, and catch one that does not.

Run it with ``python examples/prove_release.py [IMAGE]``. It exits with 0 when the good engine is
clean and the careless one is caught, with 2 where there is nothing to read.
"""

import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
from ocrleak_engine import EngineError, OcrEngine

import pytest_ocrleak
from pytest_ocrleak.report import text

IMAGE = Path(__file__).parent / "images" / "novel.jpg"


class CarelessEngine:
    """Drops its session when it is freed, but remembers what the model's inputs looked like.

    The description of one input holds the whole native session: 13 MB and a thread stay, and
    neither gc nor tracemalloc sees them.
    """

    model: ClassVar[str] = ""
    inputs: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.session: Any = onnxruntime.InferenceSession(self.model)
        self.inputs.append(self.session.get_inputs()[0])

    def recognize(self, pixels: np.ndarray[Any, Any]) -> Any:
        """Run the model once; what it reads does not matter here."""
        return self.session.run(None, {"x": pixels})[0].argmax()

    def free_resources(self) -> None:
        """Drop the session and believe that it is gone."""
        self.session = None


def show_text(image: Path) -> None:
    """Print what the engine reads."""
    with OcrEngine() as engine:
        page = engine.recognize(image)
    print(f"== The text of {image.name}\n{page.text}")


def prove_clean(image: Path) -> None:
    """Print the proof that the engine frees everything; raise `LeakError` if it does not."""
    print("\n== OcrEngine: made, used and freed again and again")
    meters = pytest_ocrleak.assert_releases(OcrEngine, use=lambda engine: engine.recognize(image))
    print("\n".join(text.table(meters)))


def catch_careless() -> bool:
    """Print the report on an engine that leaks, and return whether it was caught."""
    print("\n== CarelessEngine, which keeps session.get_inputs()[0]")
    with OcrEngine() as engine:
        CarelessEngine.model = f"{engine.get_local_path()}/ppocrv6_tiny_rec.onnx"
    pixels = np.zeros((1, 3, 48, 320), np.float32)
    try:
        pytest_ocrleak.assert_releases(CarelessEngine, use=lambda made: made.recognize(pixels))
    except pytest_ocrleak.LeakError as error:
        print(error)
        return True
    return False


def main(arguments: list[str]) -> int:
    """Show the text, the proof and the catch; return the exit code."""
    image = Path(arguments[0]) if arguments else IMAGE
    try:
        show_text(image)
    except EngineError as error:
        print(f"prove_release.py: {error}", file=sys.stderr)
        return 2
    prove_clean(image)
    return 0 if catch_careless() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
