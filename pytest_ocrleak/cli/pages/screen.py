"""Where pages go: to a terminal in colour where rich is installed, else as plain lines."""
# ruff: noqa: T201  # printing is its work

import contextlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from pytest_ocrleak.cli.pages import plain
from pytest_ocrleak.cli.pages.safe import valid
from pytest_ocrleak.cli.pages.tables import Page

UNBOUND = 80  # columns where nobody says how many there are: a file or a pipe


def colourful() -> bool:
    """Tell whether stdout is a terminal that shows colours and lines, and rich is there for it."""
    able = os.environ.get("TERM", "dumb") != "dumb" and sys.stdout.encoding.lower() == "utf-8"
    return sys.stdout.isatty() and able and importlib.util.find_spec("rich") is not None


def show(page: Page) -> None:
    """Print a page."""
    if colourful():
        from pytest_ocrleak.cli.pages import colour  # noqa: PLC0415 - an extra

        with writing():
            colour.show(page)
    else:
        write(plain.rendered(page, width()))


def width() -> int:
    """Return the columns of a line: those of the terminal, or those that ``COLUMNS`` says."""
    return shutil.get_terminal_size((UNBOUND, 24)).columns


def height() -> int:
    """Return the lines of the terminal."""
    return shutil.get_terminal_size().lines


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Tell of what goes wrong that it was stdout; a reader that has seen enough is no matter.

    Raises
    ------
    OSError
        Its text is a sentence, but for that of a `BrokenPipeError`.

    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(f"stdout cannot be written ({error.strerror}): print elsewhere") from None


def write(text: str) -> None:
    """Print text at once; what stdout's encoding lacks is a question mark, to stay aligned."""
    encoding = sys.stdout.encoding
    with writing():
        print(text.encode(encoding, "replace").decode(encoding), flush=True)


def write_json(data: Any, *, indent: int | None = 1) -> None:
    """Print one JSON document; without an indent it takes one line."""
    text = json.dumps(made_valid(data), indent=indent, ensure_ascii=True)
    with writing():
        print(text, flush=True)


def made_valid(data: Any) -> Any:
    """Return plain data all of whose texts any reader of JSON takes."""
    if isinstance(data, str):
        return valid(data)
    if isinstance(data, dict):
        return {valid(key): made_valid(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [made_valid(value) for value in data]
    return data
