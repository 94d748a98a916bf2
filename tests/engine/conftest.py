"""Real models in a folder of the tests' own, real images, and the native memory of this process."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from ocrleak_engine import OcrEngine
from PIL import Image, ImageDraw, ImageFont

TEXT = "Hello freed world 42"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the shipped models in it."""
    folder = tmp_path_factory.mktemp("models")
    OcrEngine(folder).get_local_path()
    return folder


@pytest.fixture(autouse=True)
def _own_folder(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCRLEAK_MODEL_DIR", str(models))


@pytest.fixture
def engine() -> Iterator[OcrEngine]:
    """Return a new engine, freed afterwards."""
    with OcrEngine() as engine:
        yield engine


@pytest.fixture(scope="session")
def reader(models: Path) -> Iterator[OcrEngine]:
    """Return one loaded engine for the tests that only read."""
    with OcrEngine(models) as engine:
        yield engine


@pytest.fixture(scope="session")
def draw() -> Callable[..., Image.Image]:
    """Return a picture of lines of text, black on white."""

    def draw(*lines: str, size: int = 32, width: int = 900) -> Image.Image:
        picture = Image.new("RGB", (width, size * (2 * len(lines) + 1)), "white")
        pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
        for row, line in enumerate(lines):
            pen.text((size, size * (2 * row + 0.7)), line, font=font, fill="black")
        return picture

    return draw


@pytest.fixture(scope="session")
def picture(draw: Callable[..., Image.Image]) -> Image.Image:
    """Return one line of large text."""
    return draw(TEXT, width=600)


@pytest.fixture
def native(models: Path, picture: Image.Image) -> Callable[[], int]:
    """Return the native heap in use, in bytes, after a warm-up of everything that loads once."""
    for _ in range(2):
        with OcrEngine(models) as engine:
            engine.recognize(picture)

    def native() -> int:
        gc.collect()
        psutil.heap_trim()
        heap = psutil.heap_info()
        return heap.heap_used + heap.mmap_used

    return native


@pytest.fixture
def open_files() -> Callable[[], set[str]]:
    """Return the paths of the regular files that this process holds open."""
    return lambda: {each.path for each in psutil.Process().open_files()}
