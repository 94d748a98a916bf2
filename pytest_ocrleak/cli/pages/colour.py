"""Pages in colour on a terminal: the one importer of rich.

Cells come fitted and safe, so rich neither wraps nor reads them for markup.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from pytest_ocrleak.cli.pages.safe import one_line
from pytest_ocrleak.cli.pages.tables import (
    GAP,
    Beside,
    Page,
    Part,
    Tone,
    body,
    half,
    rows_of,
)

STYLES: dict[Tone, str] = {"": "", "odd": "yellow", "good": "green", "dim": "dim"}


class Shown(Protocol):
    """A place on the terminal that shows one page at a time."""

    def __call__(self, page: Page) -> None:
        """Show a page in the place of the last one."""


def show(page: Page) -> None:
    """Print a page to the terminal."""
    console = Console(highlight=False)
    console.print(group(page, console.width), soft_wrap=True)


@contextmanager
def live() -> Iterator[Shown]:
    """Take the terminal's second screen, and give the first one back at the end."""
    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        yield lambda page: screen.update(group(page, console.width), refresh=True)


def group(page: Page, width: int) -> Group:
    """Return a page as what rich prints."""
    every: list[RenderableType] = []
    for part in rows_of(page, width):
        every += [*([Text("")] if every else []), *both_pieces(part, width)]
    return Group(*every)


def both_pieces(part: Part | Beside, width: int) -> Iterator[RenderableType]:
    """Yield the lines of one part, or two parts next to each other."""
    if not isinstance(part, Beside):
        yield from pieces(part, width)
        return
    room = half(width)
    grid = Grid.grid(padding=(0, GAP))
    for _ in part:
        grid.add_column(width=room, no_wrap=True)
    grid.add_row(*(Group(*pieces(each, room)) for each in part))
    yield grid


def pieces(part: Part, width: int) -> Iterator[RenderableType]:
    """Yield the title and the lines of one part."""
    title = Text(one_line(part.title), "bold", no_wrap=True, overflow="ellipsis")
    yield Rule(title, align="left", style="blue", characters="─")
    yield from (line(row.cells[0], row.tone) for row in body(part, width))


def line(text: str, tone: Tone) -> Text:
    """Return one line, never wrapped."""
    return Text(text, STYLES[tone], no_wrap=True, overflow="ellipsis")
