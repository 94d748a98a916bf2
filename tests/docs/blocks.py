"""The blocks of code on the pages, told by a Markdown parser, so that none is overlooked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "engine/README.md", *(ROOT / "docs").rglob("*.md"))
)


class Block(NamedTuple):
    """A block of code: its language, the file it is to be saved as, its text, and where it is.

    ``after`` is the language of the block before it, where only blank lines are between them.
    """

    kind: str
    title: str
    text: str
    line: int
    after: str

    @property
    def lines(self) -> list[str]:
        """The lines of its text."""
        return self.text.splitlines()


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page; one that is only indented has no language."""
    before = (-1, "")
    for token in MarkdownIt("commonmark").parse((ROOT / page).read_text("utf8")):
        if token.type in ("fence", "code_block"):
            assert token.map
            kind, _, rest = token.info.partition(" ")
            title = re.search('title="([^"]+)"', rest)
            after = before[1] if before[0] == token.map[0] - 1 else ""
            yield Block(kind, title[1] if title else "", token.content, token.map[0] + 1, after)
            before = (token.map[1], kind)
