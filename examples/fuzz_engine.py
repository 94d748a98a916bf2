"""Try random sequences of calls on the OCR engine: none may leave anything behind.

Run it with ``python examples/fuzz_engine.py [SEQUENCES [SEED]]``; it takes a minute or two. It
exits with 0 when the engine is clean and a careless one is caught, with 2 for a number that cannot
be meant.
"""

import argparse
import contextlib
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


def numbers(arguments: list[str]) -> tuple[int, int]:
    """Return how many sequences to try and from which seed; end where that cannot be meant."""
    parser = argparse.ArgumentParser(description="Try random sequences of calls on the OCR engine.")
    parser.add_argument("sequences", nargs="?", default="200", help="how many (default: 200)")
    parser.add_argument("seed", nargs="?", default="0", help="which ones (default: 0)")
    given = parser.parse_args(arguments)
    sequences, seed = whole(given.sequences), whole(given.seed)
    if sequences is None or sequences < 1 or seed is None:
        both = f"{given.sequences!r} and {given.seed!r}"
        parser.exit(2, f"{parser.prog}: give whole numbers, of sequences 1 or more, not {both}\n")
    return sequences, seed


def whole(text: str) -> int | None:
    """Return the whole number that a text is, if it is one."""
    with contextlib.suppress(ValueError):
        return int(text)
    return None


def main(arguments: list[str]) -> int:
    """Try both engines; return the exit code."""
    sequences, seed = numbers(arguments)
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
