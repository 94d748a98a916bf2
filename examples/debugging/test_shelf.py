"""A fixture is blamed for what a test opened: it held it as long as it lived."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

import pytest


class Shelf:
    """Opens each page once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages: dict[str, TextIOWrapper] = {}

    def page(self, name: str) -> TextIOWrapper:
        """Return a page, opened where it is asked for first."""
        if name not in self.pages:
            self.pages[name] = (self.folder / name).open("w+", encoding="utf8")
        return self.pages[name]

    def close(self) -> None:
        """Close all pages."""
        while self.pages:
            self.pages.popitem()[1].close()


archive: list[Shelf] = []


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Return a shelf."""
    archive.append(Shelf(tmp_path_factory.mktemp("shelf")))
    return archive[-1]


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Lend a shelf, and close its pages at the end."""
    archive.append(Shelf(tmp_path_factory.mktemp("shelf")))
    yield archive[-1]
    archive[-1].close()


def test_leaky(leaky: Shelf) -> None:
    """Write a page."""
    leaky.page("1.txt").write("alpha")


def test_leaky_folder(leaky: Shelf) -> None:
    """Open nothing."""
    assert leaky.folder.is_dir()


def test_fixed(fixed: Shelf) -> None:
    """Write a page."""
    fixed.page("1.txt").write("alpha")
