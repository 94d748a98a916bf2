"""The order in which a person reads the lines of a page."""

from collections.abc import Sequence

from .page import Line


def reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return the lines row by row from the top, each row from the left."""
    return sorted(lines, key=lambda line: (line.box[0][1], line.box[0][0]))
