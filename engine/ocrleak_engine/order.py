"""The order in which a person reads the lines of a page: rows from the top, column by column.

All of it happens in the frame of the text itself, turned so that most lines run to the right: a
page scanned askew, sideways or upside down has the order of the upright one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .page import Line

SAME_ROW = 0.5  # of a line's height: centres no further apart stand in one row
PROSE = (
    8.0  # width to height from which a line looks like a line of a paragraph, not a table's cell
)
TITLE = 0.75  # of the gap above: a line nearer than that to the one below is its title
COLUMN_LINES = 3  # fewer lines are no column

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return the lines in the order in which they are read."""
    if not lines:
        return []
    corners = np.array([line.box for line in lines])
    upright = corners @ _turn(_direction(corners))
    sides = np.concatenate((upright.min(axis=1), upright.max(axis=1)), axis=1)
    return [lines[index] for index in _columns(sides, np.arange(len(lines)))]


def _direction(corners: Floats) -> float:
    """Return the angle in which most text (by length) in boxes (n, 4, 2) runs, in radians."""
    across = corners[:, 1] - corners[:, 0]
    lengths, angles = np.hypot(*across.T), np.arctan2(across[:, 1], across[:, 0])
    longest = angles[lengths.argmax()]
    off = (angles - longest + np.pi) % (2 * np.pi) - np.pi
    order = off.argsort()
    middle = np.searchsorted(lengths[order].cumsum(), lengths.sum() / 2)
    return float(longest + off[order[middle]])


def _turn(angle: float) -> Floats:
    """Return the matrix that lays rows of (x, y) at `angle` along the x axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((cos, -sin), (sin, cos)))


def _columns(sides: Floats, some: Indices) -> list[int]:
    """Order the boxes `some` of all `sides` (n, [left, top, right, bottom]).

    Boxes across the gutter (headings, full lines) part the page into bands; in each, the left
    column is read before the right one.
    """
    gutter = _gutter(sides[some])
    if gutter is None:
        return _rows(sides, some)
    across = _across(sides[some], gutter)
    left, right = ~across & (sides[some, 2] <= gutter), ~across & (sides[some, 0] >= gutter)
    headings = _rows(sides, some[across])
    band = np.searchsorted(_middles(sides[headings]), _middles(sides[some]))
    ordered: list[int] = []
    for index in range(len(headings) + 1):
        ordered += _columns(sides, some[left & (band == index)])
        ordered += _columns(sides, some[right & (band == index)])
        ordered += headings[index : index + 1]
    return ordered


def _gutter(sides: Floats) -> float | None:
    """Return the x that parts most lines into two columns of prose, or None.

    A table's cells stay in rows: a column is one only when most of its lines are long.
    """
    best, most = None, 0
    for gutter in np.unique(sides[:, 2])[:-1]:
        parted = sum(len(band) for band in _bands(sides, gutter) if _is_parted(band, gutter))
        if parted > most:
            best, most = float(gutter), parted
    return best


def _bands(sides: Floats, gutter: float) -> list[Floats]:
    """Return the boxes beside the gutter, in groups from one box across it to the next."""
    across = _across(sides, gutter)
    beside = sides[~across]
    band = np.searchsorted(np.sort(_middles(sides[across])), _middles(beside))
    numbers, counts = np.unique(band, return_counts=True)
    return [beside[band == number] for number in numbers[counts >= 2 * COLUMN_LINES]]


def _across(sides: Floats, gutter: float) -> NDArray[np.bool_]:
    """Tell which boxes (n, 4) belong to both columns: those across the gutter, and their titles.

    A short title above a full line stands beside the gutter, but nearer to that line than to
    whatever is above it.
    """
    order = _middles(sides).argsort(kind="stable")
    gaps = np.diff(_middles(sides)[order])
    across = ((sides[:, 0] < gutter) & (sides[:, 2] > gutter))[order]
    across[1:-1] |= across[2:] & (gaps[1:] < TITLE * gaps[:-1])
    answer = np.empty_like(across)
    answer[order] = across
    return answer


def _is_parted(sides: Floats, gutter: float) -> bool:
    return _is_prose(sides[sides[:, 2] <= gutter]) and _is_prose(sides[sides[:, 0] >= gutter])


def _is_prose(sides: Floats) -> bool:
    if len(sides) < COLUMN_LINES:
        return False
    widths, heights = sides[:, 2] - sides[:, 0], sides[:, 3] - sides[:, 1]
    return bool(np.median(widths) >= PROSE * np.median(heights))


def _rows(sides: Floats, some: Indices) -> list[int]:
    """Order boxes row by row from the top, each row from the left."""
    rows: list[list[int]] = []
    for index in some[_middles(sides[some]).argsort(kind="stable")].tolist():
        if rows and _same_row(sides[rows[-1]], sides[index]):
            rows[-1].append(index)
        else:
            rows.append([index])
    return [index for row in rows for index in sorted(row, key=lambda each: sides[each, 0])]


def _same_row(row: Floats, box: Floats) -> bool:
    heights = np.append(row[:, 3] - row[:, 1], box[3] - box[1])
    return bool(_middles(box[None])[0] - _middles(row).mean() <= SAME_ROW * heights.min())


def _middles(sides: Floats) -> Floats:
    return (sides[:, 1] + sides[:, 3]) / 2
