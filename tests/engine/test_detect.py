"""From a map of probabilities to boxes: pure geometry, on literal arrays."""

import numpy as np
import pytest
from ocrleak_engine.detect import (
    UNCLIP_RATIO,
    bands,
    box_scores,
    clockwise,
    find_boxes,
    network_size,
    to_tensor,
    unclip,
)
from PIL import Image, ImageDraw

SQUARE = np.array([[10, 10], [30, 10], [30, 20], [10, 20]], float)


def blob(*polygons: list[tuple[float, float]], size: tuple[int, int] = (200, 100)) -> np.ndarray:
    """Return a map (height, width) that is .9 in the polygons and 0 elsewhere."""
    picture = Image.new("F", size)
    for polygon in polygons:
        ImageDraw.Draw(picture).polygon(polygon, fill=0.9)
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((100, 100), (320, 320)),
        ((640, 480), (640, 480)),
        ((2480, 3508), (896, 1280)),
        ((1, 1), (320, 320)),
        ((3000, 110), (3488, 128)),
        ((5000, 20), (20000, 64)),
        ((3, 2000), (32, 8000)),
    ],
)
def test_network_size(size: tuple[int, int], seen: tuple[int, int]) -> None:
    """Small images grow, large ones shrink, flat ones stay legible within the same area."""
    assert network_size(*size) == seen
    assert network_size(*size[::-1]) == seen[::-1]


def test_to_tensor() -> None:
    """Red is the last channel, and grey 127 is near the mean of the training."""
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :, 0] = 255
    tensor = to_tensor(image, (64, 32))
    assert tensor.shape == (1, 3, 32, 64)
    assert tensor[0, :, 0, 0] == pytest.approx(
        [-0.485 / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225], abs=1e-4
    )


def test_an_empty_map_has_no_boxes() -> None:
    """Neither has one full of text too small, nor one below the threshold."""
    assert find_boxes(np.zeros((64, 64), np.float32)).shape == (0, 4, 2)
    assert find_boxes(np.full((64, 64), 0.1, np.float32)).shape == (0, 4, 2)
    assert find_boxes(blob([(10, 10), (12, 10), (12, 11), (10, 11)])).shape == (0, 4, 2)


def test_a_level_box() -> None:
    """The blob grows by its area over its perimeter, times the ratio, on each side."""
    (box,) = find_boxes(blob([(50, 40), (149, 40), (149, 59), (50, 59)]))
    grow = UNCLIP_RATIO * 100 * 20 / 240
    left, top, right, bottom = 50 - grow, 40 - grow, 150 + grow, 60 + grow
    expected = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    assert box == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("degrees", [-40, -10, 3, 25, 44])
def test_a_slanted_box(degrees: float) -> None:
    """The first corner is the top left of the text, the second its top right."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-60, -8], [60, -8], [60, 8], [-60, 8]]) @ turn + (100, 100)
    (box,) = find_boxes(blob([tuple(point) for point in corners.tolist()], size=(200, 200)))
    across = box[1] - box[0]
    assert np.rad2deg(np.arctan2(across[1], across[0])) == pytest.approx(degrees, abs=2)
    assert np.linalg.norm(across) > 3 * np.linalg.norm(box[3] - box[0])


def test_a_blob_at_the_border_and_a_hole() -> None:
    """A blob that touches the border is closed; the hole in a ring is no second box."""
    assert len(find_boxes(blob([(0, 0), (80, 0), (80, 20), (0, 20)]))) == 1
    ring = blob([(20, 20), (120, 20), (120, 80), (20, 80)]).copy()
    ring[35:65, 60:80] = 0
    assert len(find_boxes(ring)) == 1


def test_clockwise_from_any_order() -> None:
    """Whatever corner comes first, and in whichever sense."""
    for start in range(4):
        turned = np.roll(SQUARE, start, axis=0)
        assert clockwise(turned).tolist() == SQUARE.tolist()
        assert clockwise(turned[::-1]).tolist() == SQUARE.tolist()


def test_box_scores() -> None:
    """The mean inside the box, also where the box leaves the map."""
    text_map = np.zeros((40, 40), np.float32)
    text_map[10:20, 10:20] = 1
    assert box_scores(text_map, np.array([SQUARE]))[0] == pytest.approx(0.5)
    assert box_scores(text_map, np.array([SQUARE + 100]))[0] == 0
    assert box_scores(text_map, np.empty((0, 4, 2))).shape == (0,)


def test_unclip_keeps_the_middle() -> None:
    """Growth is the same on all sides."""
    grown = unclip(np.array([SQUARE]))[0]
    assert grown.mean(axis=0) == pytest.approx(SQUARE.mean(axis=0))
    assert (SQUARE[0] - grown[0])[0] == pytest.approx((SQUARE[0] - grown[0])[1])


@pytest.mark.parametrize("size", [(3508, 2480), (500, 5000), (4000, 100), (1000, 400)])
def test_one_band(size: tuple[int, int]) -> None:
    """A page, a panorama, a vertical line and a small tall image are looked at whole."""
    assert [(band.top, band.bottom) for band in bands(*size)] == [(0, size[0])]


def test_bands_overlap_and_share_out_every_row() -> None:
    """Each row counts in exactly one band, and is seen with a margin around it."""
    parts = bands(10_000, 1_000)
    assert len(parts) == 8
    assert (parts[0].top, parts[-1].bottom) == (0, 10_000)
    for row in range(0, 10_000, 7):
        (one,) = [band for band in parts if band.first <= row < band.last]
        assert one.top <= max(0, row - 100)
        assert one.bottom >= min(10_000, row + 100)
