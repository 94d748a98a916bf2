"""A gate for a user's suite: the engine's life is guarded, its freeing is proven.

Copy it beside your tests, put your engine in, and run pytest.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ocrleak_engine import EngineFreedError, OcrEngine

from pytest_ocrleak import Checker

IMAGE = str(Path(__file__).parent / "images" / "screen-photo.jpg")


@pytest.fixture(scope="module")
def engine(ocrleak: Checker) -> Iterator[OcrEngine]:
    """Lend one engine to all tests; what it leaves at the end is an error of this fixture."""
    with ocrleak.guard("engine"):
        engine = OcrEngine()
        yield engine
        engine.free_resources()


def test_reads_the_screen(engine: OcrEngine) -> None:
    """The engine does its job."""
    assert "Dolphin" in engine.recognize(IMAGE).text


def test_recognizing_does_not_grow(ocrleak: Checker, engine: OcrEngine) -> None:
    """Image after image, no meter rises by more than a page's worth of bookkeeping."""
    growth = ocrleak.assert_no_growth(engine.recognize, IMAGE, tolerance={"heap": "4 KiB"})
    assert growth["heap"].resolution <= 4096


def test_freeing_gives_everything_back(ocrleak: Checker) -> None:
    """Engine after engine, nothing stays."""
    ocrleak.assert_releases(OcrEngine, use=lambda engine: engine.recognize(IMAGE))


def test_a_freed_engine_refuses() -> None:
    """Use after freeing is an error, not a surprise."""
    engine = OcrEngine()
    engine.free_resources()
    with pytest.raises(EngineFreedError):
        engine.recognize(IMAGE)
