"""Red though everything is let go: an error that is kept holds what its frames opened."""

import json
from pathlib import Path
from typing import Any

import pytest

leaky_errors: list[Exception] = []
fixed_errors: list[str] = []


def parse(path: Path) -> Any:
    """Read a page's layout; its file is closed with the variable that holds it."""
    file = path.open(encoding="utf8")
    return json.load(file)


def leaky(path: Path) -> None:
    """Note what went wrong, to tell it at the end."""
    try:
        parse(path)
    except ValueError as error:
        leaky_errors.append(error)


def fixed(path: Path) -> None:
    """Note in words what went wrong, to tell it at the end."""
    try:
        parse(path)
    except ValueError as error:
        fixed_errors.append(f"{path}: {error}")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a layout that cannot be read."""
    path = tmp_path / "page.json"
    path.write_text("{", encoding="utf8")
    return path


def test_leaky(broken: Path) -> None:
    """One page."""
    leaky(broken)


def test_fixed(broken: Path) -> None:
    """One page."""
    fixed(broken)
