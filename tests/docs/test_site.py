"""What the site is built of: every page has a place, and every link leads somewhere as a file, too.

The build itself (`mkdocs build --strict`) is a step of its own: it needs the extra `docs`.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from blocks import PAGES, ROOT

SITE = ROOT / "docs" / "site"
MADE = {"engine.md", "changelog.md"}  # from files outside docs
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def settings() -> dict[str, Any]:
    """Return the site's settings."""
    data: dict[str, Any] = yaml.safe_load((SITE / "mkdocs.yml").read_text("utf8"))
    return data


def places(entries: list[Any]) -> Iterator[str]:
    """Yield the pages in the navigation, from top to bottom."""
    for entry in entries:
        (value,) = entry.values()
        yield from places(value) if isinstance(value, list) else [value]


def test_every_page_is_in_the_navigation_once() -> None:
    """A page that is not cannot be found."""
    found = sorted(places(settings()["nav"]))
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert found == sorted(pages | MADE)


def test_nothing_is_fetched() -> None:
    """No fonts of others, and no plugin that asks a server; pages are looked at when built."""
    told = settings()
    assert told["theme"]["font"] is False
    assert [plugin if isinstance(plugin, str) else next(iter(plugin)) for plugin in
            told["plugins"]] == ["search", "mkdocstrings"]  # fmt: skip


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_links_lead_to_files(page: str) -> None:
    """Where pages are read as files, beside the code; the build looks at anchors."""
    text = re.sub(r"(?s)```.*?```", "", (ROOT / page).read_text("utf8"))
    folder = (ROOT / page).parent
    missing = [target for target in LINK.findall(text) if not (folder / target).exists()]
    assert not missing
