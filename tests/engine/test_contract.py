"""The shipped engine under the contract that any engine can be held against."""

import io
from pathlib import Path
from typing import Any

from ocrleak_engine import OcrEngine
from PIL import Image

from pytest_ocrleak.contract import EngineContract

REPEATED = (
    "test_freeing_gives_everything_back",
    "test_an_unusable_image_leaves_nothing_behind",
    "test_a_missing_image_leaves_nothing_behind",
    "test_results_hold_nothing_native",
    "test_a_context_manager_frees_on_an_error",
    "test_an_engine_that_is_dropped_does_not_leak_silently",
)
LIMITS = {  # few runs: tests/gate proves it in as many as it takes
    **{name: {"runs": 3} for name in REPEATED},
    "test_three_engines_side_by_side_leave_nothing": {"runs": 2},
    "test_no_sequence_of_calls_leaks": {"sequences": 4, "length": 4},
}
IMAGES = Path(__file__).parents[2] / "examples" / "images"


def cut() -> bytes:
    """Return a small part of a page, which is read in no time."""
    found = io.BytesIO()
    with Image.open(IMAGES / "eurotext.tif") as page:
        page.crop((0, 0, page.width // 2, page.height // 8)).save(found, "png")
    return found.getvalue()


class TestOcrEngine(EngineContract):
    """All promises, with a part of a page for an image."""

    image = cut()
    expect_text = "The (quick)"
    limits = LIMITS

    def make_engine(self) -> Any:
        """Return an engine on the shipped models."""
        return OcrEngine()
