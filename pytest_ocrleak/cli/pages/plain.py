"""Pages as plain aligned lines: for files, pipes, and where rich is not installed."""

from collections.abc import Iterator
from itertools import zip_longest

from pytest_ocrleak.cli.pages.safe import one_line
from pytest_ocrleak.cli.pages.tables import (
    GAP,
    Beside,
    Page,
    Part,
    body,
    half,
    padded,
    rows_of,
)


def rendered(page: Page, width: int) -> str:
    """Return a page as text, a blank line between its parts."""
    return "\n\n".join("\n".join(both_lines(part, width)) for part in rows_of(page, width))


def both_lines(part: Part | Beside, width: int) -> Iterator[str]:
    """Yield the lines of one part, or of two parts next to each other."""
    if not isinstance(part, Beside):
        yield from part_lines(part, width)
        return
    room = half(width)
    left, right = (part_lines(each, room) for each in part)
    for line, other in zip_longest(left, right, fillvalue=""):
        yield f"{padded(line, room + 2 * GAP, 'left')}{other}".rstrip()


def part_lines(part: Part, width: int) -> Iterator[str]:
    """Yield the lines of one part."""
    yield f"== {one_line(part.title)}"
    yield from (row.cells[0] for row in body(part, width))
