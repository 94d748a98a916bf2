"""Where the text is: an image goes in, the corners of its lines come out.

The detector is a DB network (Liao et al., "Real-time Scene Text Detection with Differentiable
Binarization", 2019): a map of text probability, whose blobs are lines shrunk by a known ratio.
"""

import math
from typing import NamedTuple

import contourpy
import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image

from .errors import ModelError
from .session import Session

SHORTER_AT_LEAST = 320  # px: smaller images are enlarged for the detector
LONGER_AT_MOST = 1280  # px
FLAT = 128  # px: the height at which a single line is still read well
LARGEST_SCALE = 4.0  # of an image that flat: lower ones hold no letters
STRIDE = 32  # the network halves its input five times
MEAN = np.array((0.485, 0.456, 0.406), np.float32)[:, None, None]  # in the order of BGR
STD = np.array((0.229, 0.224, 0.225), np.float32)[:, None, None]
TEXT_THRESHOLD = 0.2
BOX_SCORE = 0.4
UNCLIP_RATIO = 1.6
SMALLEST_SIDE = 3.0  # px of the probability map
TALL = 2.0  # height to width from which an image is looked at in bands
BAND = 1.25  # height of a band to its width, without the overlap
OVERLAP = 0.125  # of the width, on either side of a band

_GRID = (np.stack(np.meshgrid(np.arange(32), np.arange(8)), -1).reshape(-1, 2) + 0.5) / (32, 8)


class Detector:
    """The detection stage: a session and what its output means.

    Raises
    ------
    ModelError
        The session's model does not map an image to one probability map.
    """

    def __init__(self, session: Session) -> None:
        inputs, outputs = session.input_shape, session.output_shape
        if len(inputs) != 4 or inputs[1] != 3 or len(outputs) != 4 or outputs[1] not in (1, None):  # noqa: PLR2004
            raise ModelError(
                f"{session.path} is no text detector: it maps {inputs} to {outputs} and not "
                "(n, 3, height, width) to (n, 1, height, width); name another file as detector"
            )
        self._session = session

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the boxes of text lines in `image` (height, width, RGB).

        Returns
        -------
        array (n, 4, 2)
            Corners (x, y) in pixels of `image`, clockwise from the top left.
        """
        found = [np.empty((0, 4, 2))]
        for band in bands(*image.shape[:2]):
            boxes = self._find(image[band.top : band.bottom])
            boxes[:, :, 1] += band.top
            middles = boxes[:, :, 1].mean(axis=1)
            found.append(boxes[(middles >= band.first) & (middles < band.last)])
        return np.concatenate(found)

    def _find(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        height, width = image.shape[:2]
        size = network_size(width, height)
        text_map = self._session.run(to_tensor(image, size), lambda out: np.array(out[0, 0]))
        boxes = find_boxes(text_map) * (width / size[0], height / size[1])
        inside: NDArray[np.float64] = np.clip(boxes, 0, (width, height))
        return inside


class Band(NamedTuple):
    """Rows `top` to `bottom` of an image; boxes count whose middle is from `first` to `last`."""

    top: int
    bottom: int
    first: float
    last: float


def bands(height: int, width: int) -> list[Band]:
    """Return the bands in which to look at an image, one unless it is very tall.

    A tall screenshot scaled to fit the network would be unreadable. Bands overlap, and a box counts
    in the band that shows the most around it, so that no line is cut or found twice.
    """
    if height <= max(LONGER_AT_MOST, TALL * width) or width < SHORTER_AT_LEAST:
        return [Band(0, height, -math.inf, math.inf)]
    count = math.ceil(height / (BAND * width))
    edges = [round(height * index / count) for index in range(count + 1)]
    margin = round(OVERLAP * width)
    firsts, lasts = [-math.inf, *edges[1:-1]], [*edges[1:-1], math.inf]
    return [
        Band(max(0, top - margin), min(height, bottom + margin), first, last)
        for top, bottom, first, last in zip(edges, edges[1:], firsts, lasts, strict=False)
    ]


def network_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) at which the detector sees an image of the given size.

    An image as flat as one line may be longer than the limit, within the area of a square of it.
    """
    shorter, longer = sorted((width, height))
    whole = LONGER_AT_MOST / longer
    flat = min(FLAT / shorter, LONGER_AT_MOST / math.sqrt(width * height), LARGEST_SCALE)
    scale = min(max(1.0, SHORTER_AT_LEAST / shorter), max(whole, flat))
    return _multiple(width * scale), _multiple(height * scale)


def _multiple(length: float) -> int:
    return max(STRIDE, round(length / STRIDE) * STRIDE)


def to_tensor(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return `image` (RGB) scaled to `size` as the network takes it: (1, BGR, height, width)."""
    resized = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    tensor = np.array(np.asarray(resized).transpose(2, 0, 1)[None, ::-1], np.float32, order="C")
    tensor /= 255 * STD
    tensor -= MEAN / STD
    return tensor


def find_boxes(text_map: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the boxes (n, 4, 2) of the blobs in a map (height, width) of probabilities."""
    rectangles = _rectangles(text_map)
    widths, heights = _sides(rectangles)
    solid = np.minimum(widths, heights) >= SMALLEST_SIDE
    solid[solid] = box_scores(text_map, rectangles[solid]) >= BOX_SCORE
    return unclip(rectangles[solid])


def _rectangles(text_map: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the smallest rotated rectangle (n, 4, 2) around every blob above the threshold."""
    framed = np.pad(text_map, 1)  # closes the contours of blobs at the border
    contours = contourpy.contour_generator(z=framed, name="serial").lines(TEXT_THRESHOLD)
    blobs = [np.asarray(contour) for contour in contours if _is_outline(np.asarray(contour))]
    if not blobs:
        return np.empty((0, 4, 2))
    around = [shapely.minimum_rotated_rectangle(shapely.MultiPoint(blob)) for blob in blobs]
    corners = [shapely.get_coordinates(shape)[:4] for shape in around if shape.area > 0]
    # a frame of one pixel was added, and a pixel's value stands at its middle
    return np.array([clockwise(four) for four in corners]).reshape(-1, 4, 2) - 0.5


def _is_outline(contour: NDArray[np.float64]) -> bool:
    """Tell a blob's outline from a hole in it, by the direction in which it runs."""
    x, y = contour.T
    return bool(np.dot(x[:-1], y[1:]) > np.dot(x[1:], y[:-1]))


def clockwise(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return four corners (4, 2) of a rectangle clockwise (as seen, y down) from the top left."""
    (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
    ordered = corners if ax * by - ay * bx > 0 else corners[::-1]
    return np.roll(ordered, -int(np.argmin(ordered.sum(axis=1))), axis=0)


def box_scores(text_map: NDArray[np.float32], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean probability inside each box (n, 4, 2), sampled on a grid of 32 by 8."""
    across, down = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 0]
    points = boxes[:, None, 0] + _GRID[:, :1] * across[:, None] + _GRID[:, 1:] * down[:, None]
    last = np.array(text_map.shape[::-1]) - 1
    x, y = np.clip(points.astype(np.intp), 0, last).transpose(2, 0, 1)
    scores: NDArray[np.float64] = text_map[y, x].mean(axis=1, dtype=np.float64)
    return scores


def unclip(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the boxes (n, 4, 2) grown back to the size that the network was taught to shrink."""
    widths, heights = _sides(boxes)
    grow = UNCLIP_RATIO * widths * heights / (2 * (widths + heights))
    across = (boxes[:, 1] - boxes[:, 0]) * (grow / widths)[:, None]
    down = (boxes[:, 3] - boxes[:, 0]) * (grow / heights)[:, None]
    outwards = np.stack((-across - down, across - down, across + down, down - across), axis=1)
    return boxes + outwards


def _sides(boxes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the widths (n,) and heights (n,) of boxes (n, 4, 2)."""
    across, down = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 0]
    return np.hypot(*across.T), np.hypot(*down.T)
