"""It leaks once in fifty calls: a journal opens its file again, the old one is not closed."""

from pathlib import Path

import pytest


class Journal:
    """Writes lines; after fifty of them its file is opened again, so that it can be moved away."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, 0
        self.files = [path.open("a", encoding="utf8")]

    def write(self, line: str) -> None:
        """Write a line."""
        self.lines += 1
        if self.lines % 50 == 0:
            self.open_again()
        self.files[-1].write(line)

    def open_again(self) -> None:
        """Open the file, behind the one that is open."""
        self.files.append(self.path.open("a", encoding="utf8"))


class Fixed(Journal):
    """Has one file open."""

    def open_again(self) -> None:
        """Open the file once the old one is closed and gone."""
        self.files.pop().close()
        super().open_again()


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """Return a journal."""
    return Journal(tmp_path_factory.mktemp("leaky") / "journal.txt")


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """Return a journal."""
    return Fixed(tmp_path_factory.mktemp("fixed") / "journal.txt")


def test_leaky(leaky: Journal) -> None:
    """Write a line."""
    leaky.write("alpha")


def test_fixed(fixed: Journal) -> None:
    """Write a line."""
    fixed.write("alpha")
