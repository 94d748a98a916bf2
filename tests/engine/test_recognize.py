"""From boxes to text: cutting, batching and decoding on literal arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from ocrleak_engine.recognize import BATCH_AREA, WIDEST, batches, cut, decode, pack
from PIL import Image

LABELS = ["", "a", "b", " "]


def corners(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return a level box (4, 2)."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def said(*classes: int) -> tuple[str, float]:
    """Decode columns of the given classes, each surer than the last."""
    sure = np.linspace(0.1, 0.9, len(classes), dtype=np.float32)
    return decode(np.array(classes, np.intp), sure, LABELS)


def test_decode_drops_repeats_and_blanks() -> None:
    """CTC: a character is said once however long it lasts, and twice when a blank parts it."""
    assert said(1, 1, 0, 1, 2, 2, 3, 1)[0] == "aab a"
    assert said(0, 0, 0) == ("", 0.0)
    assert said() == ("", 0.0)
    assert said(3, 1, 3)[0] == "a"


def test_confidence_is_the_mean_of_what_is_said() -> None:
    """Neither blanks nor repeats count."""
    assert said(0, 1, 1, 0, 2)[1] == pytest.approx((0.3 + 0.9) / 2)


def test_batches_are_alike_bounded_and_complete() -> None:
    """No strip is padded by more than a quarter, and none is lost."""
    widths = [100, 4000, 110, 90, 2000, 120, 500, 500, 510, 4096, *[300] * 40]
    parts = list(batches(widths))
    assert sorted(index for part in parts for index in part) == list(range(len(widths)))
    for part in parts:
        chosen = [widths[index] for index in part]
        assert max(chosen) <= 1.25 * min(chosen)
        assert len(part) == 1 or max(chosen) * len(part) <= BATCH_AREA
    assert list(batches([])) == []


def test_pack() -> None:
    """Blue comes first, 255 is 1, and what is padded is grey."""
    blue = np.zeros((48, 10, 3), np.uint8)
    blue[:, :, 2] = 255
    packed = pack([blue, np.zeros((48, 20, 3), np.uint8)])
    assert packed.shape == (2, 3, 48, 20)
    assert packed[0, :, 0, 0].tolist() == [1, -1, -1]
    assert packed[0, :, 0, 10:].any() == np.False_


@pytest.mark.parametrize("slant", [0, 3])
def test_cut_lays_a_box_upright(slant: float) -> None:
    """Level boxes take a short way, slanted ones are straightened; both end up alike."""
    image = np.zeros((100, 300, 3), np.uint8)
    image[20:60, 50:150] = 255
    box = corners(50, 20, 250, 60)
    box[1:3, 1] += slant
    strip = cut(Image.fromarray(image), box, 48)
    assert strip.shape == (48, 240, 3)
    assert strip[10:40, 5:110].min() > 200
    assert strip[10:40, 130:].max() < 50


def test_cut_turns_with_the_corners() -> None:
    """Corners moved on by one turn the strip by a quarter."""
    image = np.zeros((200, 60, 3), np.uint8)
    image[:100] = 255
    strip = cut(Image.fromarray(image), np.roll(corners(5, 0, 45, 200), 1, axis=0), 48)
    assert strip.shape == (48, 240, 3)
    assert strip[10:40, :100].max() < 50
    assert strip[10:40, 140:].min() > 200


@pytest.mark.parametrize("box", [(3, 3, 3, 3), (0, 0, 0.2, 9), (0, 0, 9, 0.1)])
def test_boxes_of_no_size(box: tuple[float, ...]) -> None:
    """A box may be a point or a line: a strip comes out all the same."""
    strip = cut(Image.new("RGB", (10, 10)), corners(*box), 48)
    assert strip.shape[0] == 48
    assert 12 <= strip.shape[1] <= WIDEST


def test_a_line_for_each_turn(reader: object, draw: Callable[..., Image.Image]) -> None:
    """Text that runs up, down or upside down is read, and its box starts at its own top left."""
    upright = draw("Turned around 1987", "and back again 2024", width=500)
    for turns, start in enumerate(["left", "down", "right", "up"]):
        image = upright.rotate(90 * turns, expand=True)
        page = reader.recognize(image)  # type: ignore[attr-defined]
        assert page.text == "Turned around 1987\nand back again 2024", start
        (ax, ay), (bx, by), *_ = page.lines[0].box
        angle = np.rad2deg(np.arctan2(by - ay, bx - ax)) % 360
        assert angle == pytest.approx(-90 * turns % 360, abs=5) or turns == 0
