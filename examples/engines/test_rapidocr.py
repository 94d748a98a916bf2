"""RapidOCR, which comes with its models, under the contract."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import rapidocr
from rapidocr import RapidOCR

from pytest_ocrleak import Checker, LeakError
from pytest_ocrleak.contract import EngineContract

PAGE = str(Path(__file__).parents[1] / "images" / "screen-photo.jpg")
MODELS = Path(rapidocr.__file__).parent / "models"


def made() -> Any:
    """Return RapidOCR, which loads its models when they are first needed."""
    return RapidOCR(params={"Global.log_level": "critical"})


class Reader:
    """Frees in the only way that there is: nobody holds RapidOCR any more."""

    def __init__(self) -> None:
        self.engine: Any = made()

    def recognize(self, image: Any) -> Any:
        """Return RapidOCR's result."""
        return self.engine(image)

    def free_resources(self) -> None:
        """Drop RapidOCR."""
        self.engine = None


class TestRapidOCR(EngineContract):
    """All promises are kept, but a result holds the page that was read."""

    image = PAGE
    expect_text = "Dolphin"
    allowed_when_freed: ClassVar = {
        "list_local": "the models are those of the wheel, and no engine is asked for them",
        "get_local_path": "it is the wheel's",
    }
    limits: ClassVar = {
        "test_results_hold_nothing_native": {
            "runs": 4,
            "time_limit": 120,
            "tolerance": {"heap": "64 KiB"},
        },
    }

    def make_engine(self) -> Any:
        """Return a reader."""
        return Reader()

    def read_text(self, result: Any) -> str:
        """Return the lines of a result."""
        return "\n".join(result.txts or ())

    def list_local(self, _: Any) -> Iterable[str]:
        """Return the models in the wheel."""
        return sorted(path.name for path in MODELS.glob("*.onnx"))

    def get_local_path(self, _: Any) -> Path:
        """Return their folder in the wheel."""
        return MODELS

    def test_results_hold_nothing_native(self) -> None:
        """A result's ``img`` is the whole page: keep ``txts``, ``boxes`` and ``scores`` instead."""
        with pytest.raises(LeakError, match=r"heap 9\d\d(\.\d)? KB per run") as caught:
            super().test_results_hold_nothing_native()
        assert {leak.meter for leak in caught.value.leaks} == {"heap"}
        assert self.kept[0].img.nbytes == 3 * 640 * 480

    def test_it_has_no_call_that_frees(self, ocrleak: Checker) -> None:
        """Whoever holds RapidOCR holds three sessions, with their threads and memory."""
        with pytest.raises(LeakError, match="it went only when that was dropped") as caught:
            ocrleak.assert_releases(made, lambda engine: engine(PAGE), free=id, runs=3)
        assert {leak.meter for leak in caught.value.leaks} == {"heap", "threads"}
