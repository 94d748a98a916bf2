"""Try random sequences of calls on the OCR engine: none may leave anything behind.

Run it with ``python examples/fuzz_engine.py [SEQUENCES [SEED]]``; it takes a minute or two. It
exits with 0 when the engine is clean and a careless one is caught.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from ocrleak_engine import OcrEngine

from pytest_ocrleak import LeakError
from pytest_ocrleak.fuzz import Call, assert_no_sequence_leaks

IMAGE = str(Path(__file__).parent / "images" / "screen-photo.jpg")
IMAGES = st.sampled_from([IMAGE, b"no image", "nowhere.png", b"", 7])


class CarelessEngine(OcrEngine):
    """Holds the folder of its models open while it reads, and for good where it cannot read."""

    def recognize(self, image: Any) -> Any:
        """Read an image."""
        folder = os.open(self.get_local_path(), os.O_RDONLY)
        page = super().recognize(image)
        os.close(folder)
        return page


def fuzz(engine: type[OcrEngine], images: Any, sequences: int, seed: int) -> None:
    """Try sequences of all calls, and print what was tried; raise `LeakError` if one leaks."""
    calls = (Call("recognize", images), Call("list_local"), Call("get_local_path"))
    print(assert_no_sequence_leaks(engine, *calls, sequences=sequences, seed=seed))


def main(arguments: list[str]) -> int:
    """Try both engines; return the exit code."""
    sequences, seed = map(int, arguments + ["200", "0"][len(arguments) :])
    print("== OcrEngine")
    fuzz(OcrEngine, IMAGES, sequences, seed)
    print("\n== CarelessEngine, which forgets a descriptor where an image cannot be read")
    try:
        fuzz(CarelessEngine, st.sampled_from([b"no image", "nowhere.png"]), sequences, seed)
    except LeakError as error:
        print(error)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
