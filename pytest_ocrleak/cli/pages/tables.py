"""What is printed, as plain data: titled tables of strings, fitted to a width.

Both renderers take these pages, so they say the same. Text of others becomes safe here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pytest_ocrleak.cli.pages.safe import columns, one_line, shortened

Tone = Literal["", "odd", "good", "dim"]
Align = Literal["left", "right"]
GAP = 2
HALF = 70  # columns that a part needs next to another one
WIDE = 110  # columns from which on there is room for more than what is needed
NARROWEST = 12  # columns that the column with the names keeps
ENOUGH = 16  # columns that it has before others are left out for it


class Column(NamedTuple):
    """A column: its heading, how it is aligned, whether it is for wide terminals only.

    The ``elastic`` one gives way where the table is too wide, and before it gives way to less than
    names need a ``spare`` one goes.
    """

    heading: str
    align: Align = "left"
    elastic: bool = False
    wide: bool = False
    spare: bool = False


class Row(NamedTuple):
    """The cells of a row, and how it is to be seen."""

    cells: tuple[str, ...]
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a title, with sentences below it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Sentences under a title."""

    title: str
    rows: tuple[Row, ...]


Part = Table | Lines


class Beside(NamedTuple):
    """Two parts next to each other, one below the other where there is no room."""

    left: Part
    right: Part


Page = tuple[Part | Beside, ...]


class Fitted(NamedTuple):
    """A table as it is printed: columns that fit, safe cells, and the width of each column."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    widths: tuple[int, ...]


def lines(title: str, *sentences: str, tone: Tone = "") -> Lines:
    """Return sentences that are all seen the same way."""
    return Lines(title, tuple(Row((sentence,), tone) for sentence in sentences))


def beside(*parts: Part) -> Page:
    """Return the first two parts next to each other, and the others below them."""
    return (Beside(*parts[:2]), *parts[2:]) if len(parts) > 1 else parts


def rows_of(page: Page, width: int) -> Iterator[Part | Beside]:
    """Yield the parts of a page, one below the other where two have no room."""
    for part in page:
        if isinstance(part, Beside) and not fits(part, half(width)):
            yield from part
        else:
            yield part


def fits(parts: Beside, room: int) -> bool:
    """Tell whether two parts have room next to each other: none runs into the other's lines."""
    every = (row.cells[0] for part in parts for row in body(part, room))
    return room >= HALF and all(columns(line) <= room for line in every)


def body(part: Part, width: int) -> Iterator[Row]:
    """Yield what is below a part's title, each one line."""
    if isinstance(part, Table) and part.rows:
        yield from aligned(fit(part, width))
    below = (Row((each,), "dim") for each in part.below) if isinstance(part, Table) else part.rows
    for row in below:
        yield from (Row((line,), row.tone) for line in wrapped(row.cells[0], width))


def half(width: int) -> int:
    """Return the columns that each of two parts has next to the other."""
    return (width - 2 * GAP) // 2


def fit(table: Table, width: int) -> Fitted:
    """Return a table whose rows are no longer than ``width``, as far as its names allow.

    A column that is empty in every row is left out, and one for wide terminals in narrow ones.
    """
    kept = needed(table, width)
    chosen = tuple(table.columns[index] for index in kept)
    cells = [tuple(safe[index] for index in kept) for safe in made_safe(table.rows)]
    widths = narrowed(chosen, natural(chosen, cells), width)
    rows = (
        Row(tuple(map(shortened, line, widths)), row.tone)
        for line, row in zip(cells, table.rows, strict=True)
    )
    return Fitted(chosen, tuple(rows), widths)


def made_safe(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Return the cells of rows, safe to print."""
    return [tuple(map(one_line, row.cells)) for row in rows]


def needed(table: Table, width: int) -> list[int]:
    """Return the columns that are shown: spare ones, the last first, make room for names."""
    kept = [
        index
        for index, column in enumerate(table.columns)
        if (width >= WIDE or not column.wide) and any(row.cells[index] for row in table.rows)
    ]
    wanted = natural(table.columns, made_safe(table.rows))
    while spare := [index for index in kept if table.columns[index].spare]:
        if reach(table.columns, wanted, kept) <= width:
            break
        kept.remove(spare[-1])
    return kept


def reach(every: Sequence[Column], wanted: Sequence[int], kept: Sequence[int]) -> int:
    """Return where the columns end that are to fit: what comes after names may be cut."""
    vital = [index for index in kept if every[index].elastic or every[index].spare]
    named = any(every[index].elastic for index in kept)
    shown = [index for index in kept if index <= vital[-1] or not named]
    least = (ENOUGH if every[index].elastic else wanted[index] for index in shown)
    return sum(map(min, least, (wanted[index] for index in shown))) + GAP * (len(shown) - 1)


def natural(chosen: Sequence[Column], cells: Iterable[Sequence[str]]) -> list[int]:
    """Return the width that each column would have with all the room it wants."""
    every = [[column.heading for column in chosen], *cells]
    return [max(map(columns, column)) for column in zip(*every, strict=True)]


def narrowed(chosen: Sequence[Column], widths: Sequence[int], width: int) -> tuple[int, ...]:
    """Return widths in which the elastic columns share what the others leave."""
    elastic = [index for index, column in enumerate(chosen) if column.elastic]
    fitted = list(widths)
    taken = sum(widths) - sum(widths[index] for index in elastic)
    room = width - taken - GAP * (len(widths) - 1)
    for left, index in zip(
        range(len(elastic), 0, -1), sorted(elastic, key=widths.__getitem__), strict=True
    ):
        fitted[index] = min(widths[index], max(NARROWEST, room // left))
        room -= fitted[index]
    return tuple(fitted)


def padded(text: str, width: int, align: Align) -> str:
    """Return a cell with the blanks that align it."""
    blanks = " " * (width - columns(text))
    return blanks + text if align == "right" else text + blanks


def aligned(fitted: Fitted) -> Iterator[Row]:
    """Yield the heading (dim) and the rows, each one line of aligned cells."""
    heading = Row(tuple(column.heading for column in fitted.columns), "dim")
    for row in (heading, *fitted.rows):
        cells = (
            padded(cell, width, column.align)
            for cell, width, column in zip(row.cells, fitted.widths, fitted.columns, strict=True)
        )
        yield Row(((" " * GAP).join(cells).rstrip(),), row.tone)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a sentence in lines that fit, broken between words; what follows is indented.

    A word that is longer than a line stays whole: a path that is cut cannot be copied.
    """
    line = ""
    for word in one_line(text).split(" "):
        if line.strip() and columns(line) + 1 + columns(word) > width:
            yield line
            line = f"  {word}"
        else:
            line = f"{line} {word}" if line else word
    yield line
