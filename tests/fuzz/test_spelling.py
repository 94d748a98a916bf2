"""Values as code: each is made again by what is written, in the fewest words."""

import math
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from subjects import Subject

from pytest_ocrleak.fuzz.spelling import Spelling

NOISE = bytes(i * 37 % 256 for i in range(300))


def again(value: Any) -> tuple[Any, Spelling]:
    """Return what the code for a value makes, and how it was spelled."""
    spelling = Spelling()
    text = spelling.value(value)
    names: dict[str, Any] = {}
    exec("\n".join((*spelling.imports, *spelling.values, f"made = {text}")), names)  # noqa: S102
    return names["made"], spelling


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, -1.5, "a\n'b'", b"\xff", (1, [2.0, {"three": {4}}]), math.inf),
        *("x" * 5000, bytes(70), NOISE, "äöü" * 100, list(range(100))),
        *(Path("scan.png"), Path, Subject, OrderedDict(a=1), OrderedDict),
    ],
)
def test_code_makes_the_value_again(value: Any) -> None:
    """Long and short, built in and imported; numbers that have no literal; what pickle knows."""
    made, _ = again(value)
    assert made == value
    assert type(made) is type(value)


def test_a_long_value_has_a_name() -> None:
    """Where it is used stands the name; what repeats is a product, the rest is folded."""
    spelling = Spelling()
    assert [spelling.value(each) for each in (bytes(5000), NOISE)] == ["b'\\x00' * 5000", "value_1"]
    (folded,) = spelling.values
    assert folded.startswith("value_1 = (\n    b'\\x00%J")
    assert max(map(len, folded.splitlines())) < 100


def test_what_cannot_be_written_is_told() -> None:
    """A place to put it in, with its description."""
    spelling = Spelling()
    assert spelling.value(lambda: 1) == "..."
    assert spelling.value(NOISE * 100).startswith("value_1")
    assert "the beginning: put in all 30,000" in spelling.values[0]
    assert spelling.notes[0].startswith("# put in for ...: <function ")


def test_a_function_has_the_name_by_which_it_is_imported() -> None:
    """From the package that shows it, a method on its class; what has no name gets a note."""
    spelling = Spelling()
    assert spelling.function(Subject, "factory") == "Subject"
    assert spelling.function(Subject().read, "call") == "Subject().read"
    assert spelling.function(OrderedDict, "factory") == "OrderedDict"
    assert spelling.imports == {
        "from subjects import Subject",
        "from collections import OrderedDict",
    }
    assert spelling.function(lambda: 1, "factory") == "factory"
    assert spelling.function(partial(Subject), "factory") == "factory"
    assert spelling.notes[0].startswith("# factory is test_a_function_has_")
    assert "test_spelling.py:" in spelling.notes[0]
