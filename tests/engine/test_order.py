"""Reading order on literal boxes."""

import numpy as np
import pytest
from ocrleak_engine.order import reading_order
from ocrleak_engine.page import Line


def line(text: str, left: float, top: float, width: float = 100, height: float = 20) -> Line:
    """Return a level line of text."""
    right, bottom = left + width, top + height
    return Line(text, 1.0, ((left, top), (right, top), (right, bottom), (left, bottom)))


def order(*lines: Line, degrees: float = 0) -> str:
    """Return the texts in reading order, whatever order they came in, on a turned page."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = [
        Line(each.text, 1.0, tuple(map(tuple, (np.array(each.box) @ turn).tolist())))
        for each in lines
    ]
    forwards, backwards = reading_order(turned), reading_order(turned[::-1])
    assert forwards == backwards
    return " ".join(each.text for each in forwards)


TABLE = [
    *(line(text, 0, 30 * row) for row, text in enumerate(["item", "tea", "milk", "sum"])),
    *(line(text, 300, 30 * row + 3) for row, text in enumerate(["price", "2.50", "1.20", "3.70"])),
]


@pytest.mark.parametrize("degrees", [0, 3, -7, 90, 180, -90])
def test_a_table_is_read_row_by_row(degrees: float) -> None:
    """Cells of one row stand a little higher or lower, and the page may lie askew or sideways."""
    assert order(*TABLE, degrees=degrees) == "item price tea 2.50 milk 1.20 sum 3.70"


@pytest.mark.parametrize("degrees", [0, 3, 180])
def test_columns_between_headings(degrees: float) -> None:
    """The left column is read before the right one, a heading before and a footer after both."""
    columns = [line(f"{side}{row}", 0 if side == "l" else 360, 50 + 30 * row, 320 - 7 * row)
               for side in "lr" for row in range(4)]  # fmt: skip
    page = [line("head", 100, 0, 500), *columns, line("foot", 0, 200, 680)]
    assert order(*page, degrees=degrees) == "head l0 l1 l2 l3 r0 r1 r2 r3 foot"


def test_a_title_below_the_columns() -> None:
    """It stands beside the gutter, and belongs to the full lines under it, not to the column."""
    columns = [line(f"{side}{row}", 360 * "lr".index(side), 30 * row, 320)
               for side in "lr" for row in range(4)]  # fmt: skip
    below = [line("title", 0, 160, 90), line("f0", 0, 190, 680), line("f1", 0, 220, 680)]
    assert order(*columns, *below) == "l0 l1 l2 l3 r0 r1 r2 r3 title f0 f1"


def test_a_longer_column_ends_before_the_other_begins() -> None:
    """Its last lines have the usual gap above and below: they are no titles."""
    columns = [line(f"{side}{row}", 360 * "lr".index(side), 30 * row, 320)
               for side, rows in (("l", 6), ("r", 4)) for row in range(rows)]  # fmt: skip
    assert order(*columns, line("foot", 0, 190, 680)) == "l0 l1 l2 l3 l4 l5 r0 r1 r2 r3 foot"


def test_three_columns() -> None:
    """A column may be columns."""
    page = [line(f"{side}{row}", 300 * "abc".index(side), 30 * row, 250)
            for side in "abc" for row in range(3)]  # fmt: skip
    assert order(*page) == "a0 a1 a2 b0 b1 b2 c0 c1 c2"


def test_few_lines_are_no_columns() -> None:
    """Two lines beside two are rows."""
    page = [line(f"{side}{row}", 400 * "ab".index(side), 30 * row, 250)
            for side in "ab" for row in range(2)]  # fmt: skip
    assert order(*page) == "a0 b0 a1 b1"


def test_one_and_none() -> None:
    """A single line, and a page without text."""
    assert order(line("only", 5, 5)) == "only"
    assert reading_order([]) == []


def test_a_line_of_another_direction_does_not_turn_the_page() -> None:
    """A note in the margin runs upwards; the text still runs to the right."""
    note = Line("note", 1.0, ((-30, 100), (-30, 20), (-10, 20), (-10, 100)))
    rows = [line(f"row{row}", 0, 30 * row, 400) for row in range(4)]
    assert order(*rows, note).replace(" note", "") == "row0 row1 row2 row3"
