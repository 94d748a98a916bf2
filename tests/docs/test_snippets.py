"""Every block of code on every page is run, or proven to be what it says it is."""

import sys
from pathlib import Path

import pytest
from blocks import PAGES, ROOT, Block, blocks
from proofs import prove
from room import Room
from stories import STORIES

KINDS = {"python", "toml", "ini", "json", "yaml", "xml", "shell", "bash", "console", "text"}
ELSEWHERE = {  # pages that a test of their own follows, line by line
    "docs/debugging.md": "tests/examples/test_debugging.py",
    "docs/command-line.md": "tests/docs/test_command_line.py",
}
FOLLOWED = [page for page in PAGES if page not in ELSEWHERE and any(blocks(page))]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made on Linux")


@pytest.mark.parametrize("page", PAGES)
def test_no_block_escapes(page: str) -> None:
    """Each has a language for which it is known how to try it; a new one needs a way first."""
    unknown = [(block.line, block.kind) for block in blocks(page) if block.kind not in KINDS]
    assert not unknown
    assert (ROOT / ELSEWHERE.get(page, page)).is_file()


@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_is_as_it_says(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Its files are saved and its commands typed, from top to bottom, in one folder."""
    room = Room(tmp_path, request.config)
    room.furnish(STORIES.get(page, {}))
    shown = list(blocks(page))
    for block, following in zip(shown, [*shown[1:], None], strict=True):
        printed = following.lines if following and prints(block, following) else []
        if block.kind in ("text", "xml"):
            if block.text.startswith("$ "):
                room.session(block)
            elif not block.after:
                prove(block)
        elif block.kind == "yaml":
            assert is_an_excerpt(block.text)
        else:
            room.follow(block, printed)
    room.finish()


def prints(block: Block, following: Block) -> bool:
    """Tell whether the next block is what this one prints."""
    own = following.text.startswith("$ ")
    return following.kind == "text" and following.after == block.kind and not own


def is_an_excerpt(text: str) -> bool:
    """Tell whether lines follow each other in one of the files for CI."""
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    files = (path.read_text("utf8") for path in (ROOT / "examples/ci").iterdir() if path.is_file())
    return any(lines in "\n".join(map(str.strip, each.splitlines())) for each in files)


def test_what_is_not_so_is_found(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The following itself: wrong output, wrong option, wrong data, an output out of nowhere."""
    room = Room(tmp_path, request.config)
    page = Block("python", "", "print('a page')\n", 1, "")
    room.follow(page, ["a page"])
    wrong = [
        lambda: room.follow(page, ["another page"]),
        lambda: room.follow(Block("shell", "", "pytest --ocrleak-nothing\n", 1, ""), []),
        lambda: room.follow(Block("shell", "", "pip install pytest-ocrleak[none]\n", 1, ""), []),
        lambda: room.follow(Block("json", "", '{"schema_version": 1, "checks": []}', 1, ""), []),
        lambda: prove(Block("text", "", "ocrleak: 2 checked, 3 clean\n", 1, "")),
        lambda: prove(Block("text", "", "all is well\n", 1, "")),
    ]
    for follow in wrong:
        with pytest.raises(AssertionError):
            follow()
