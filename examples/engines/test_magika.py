"""Magika, which tells the types of files and is no OCR, under the contract."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import magika
import pytest

from pytest_ocrleak import Checker, LeakError
from pytest_ocrleak.contract import EngineContract

PAGE = str(Path(__file__).parents[1] / "images" / "screen-photo.jpg")


class Teller:
    """Frees in the only way that there is: nobody holds Magika any more."""

    def __init__(self) -> None:
        self.engine: Any = magika.Magika()

    def recognize(self, image: Any) -> Any:
        """Return what a file is; for a missing one Magika gives a status, and this raises."""
        return self.engine.identify_path(image).output

    def free_resources(self) -> None:
        """Drop Magika."""
        self.engine = None


class TestMagika(EngineContract):
    """All promises are kept."""

    image = PAGE
    expect_text = "jpeg"
    allowed_when_freed: ClassVar = {
        "list_local": "the models are those of the wheel, and no engine is asked for them",
        "get_local_path": "it is the wheel's",
    }

    def make_engine(self) -> Any:
        """Return a teller."""
        return Teller()

    def read_text(self, result: Any) -> str:
        """Return the type's name."""
        return str(result.label)

    def unusable_image(self) -> Any:
        """Return no path: there is no file that Magika does not tell something of."""
        return 7

    def get_local_path(self, _: Any) -> Path:
        """Return the folder of the models in the wheel."""
        return Path(magika.__file__).parent / "models"

    def list_local(self, engine: Any) -> Iterable[str]:
        """Return the models in the wheel."""
        folder = self.get_local_path(engine)
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.onnx"))

    def test_it_has_no_call_that_frees(self, ocrleak: Checker) -> None:
        """Whoever holds Magika holds its session, with a thread and memory."""
        make = magika.Magika
        with pytest.raises(LeakError, match="it went only when that was dropped") as caught:
            ocrleak.assert_releases(make, lambda e: e.identify_path(PAGE), free=id, runs=3)
        assert {leak.meter for leak in caught.value.leaks} == {"heap", "threads"}
