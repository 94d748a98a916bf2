"""Values as code that makes them again, with the imports that it takes."""

import ast
import inspect
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from pathlib import PurePath
from typing import Any

WIDTH = 60  # characters of a value that stands where it is used; a longer one gets a name
LINE = 80  # characters of a line of a longer one
WHOLE = 20_000  # characters of a value, of which a larger one is not told whole
PICKLED = 2_000  # the same of one that only pickle can make again


@dataclass(slots=True)
class Spelling:
    """Code that is being written: the lines that import, and those that give long values names.

    ``notes`` are comments on what has no name by which it could be imported.
    """

    imports: set[str] = field(default_factory=set)
    values: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def value(self, value: Any) -> str:
        """Return a value as an expression."""
        text = self.expression(value)
        if len(text) <= WIDTH:
            return text
        name = f"value_{len(self.values) + 1}"
        self.values.append(f"{name} = {text}")
        return name

    def expression(self, value: Any) -> str:
        """Return what makes a value again: its literal, its name, or its pickle."""
        if literal(value):
            return written(value)
        if isinstance(value, float):
            return f'float("{value}")'
        if isinstance(value, PurePath):
            self.imports.add("from pathlib import Path")
            return f"Path({str(value)!r})"
        if home := importable(value):
            return self.imported(*home)
        return self.pickled(value)

    def pickled(self, value: Any) -> str:
        """Return what unpickles a value, or a place where it is to be put in."""
        with suppress(Exception):  # a value may refuse in any way
            text = repr(pickle.dumps(value))
            if len(text) <= PICKLED:
                self.imports.add("import pickle")
                self.notes.append(f"# pickled: {shown(value)}")
                return f"pickle.loads({text})"
        self.notes.append(f"# put in for ...: {shown(value)}")
        return "..."

    def function(self, function: Any, otherwise: str) -> str:
        """Return the name of a function or class, imported where it can be."""
        if home := importable(function):
            return self.imported(*home)
        owner = getattr(function, "__self__", None)
        if inspect.ismethod(function) and (home := importable(type(owner))):
            return f"{self.imported(*home)}().{function.__name__}"
        name = getattr(function, "__name__", "")
        name = name if name.isidentifier() else otherwise
        self.notes.append(f"# {name} is {where(function)}")
        return name

    def imported(self, module: str, name: str) -> str:
        """Return a name that is imported; those of builtins need not be."""
        first = name.partition(".")[0]
        if module == "__main__":
            self.notes.append(f"# {first} is the script's that ran")
        elif module != "builtins":
            self.imports.add(f"from {module} import {first}")
        return name


def literal(value: Any) -> bool:
    """Tell whether Python reads a value's `repr` as the same value."""
    try:
        read = ast.literal_eval(repr(value))
    except Exception:  # noqa: BLE001 - a repr may raise, or be anything
        return False
    return type(read) is type(value) and bool(read == value)


def written(value: Any) -> str:
    """Return a literal; text and bytes that repeat a character as a product."""
    text = repr(value)
    if not isinstance(value, (bytes, str)) or len(text) <= WIDTH:
        return text
    if value == value[:1] * len(value):
        return f"{value[:1]!r} * {len(value)}"
    if len(text) > WHOLE:
        return f"{value[: WIDTH // 2]!r}  # the beginning: put in all {len(value):,}"
    return "\n".join(("(", *(f"    {part!r}" for part in parts(value)), ")"))


def parts(value: bytes | str) -> Iterator[bytes | str]:
    """Yield a text or bytes in parts that fit on a line each."""
    size = max(1, LINE * len(value) // len(repr(value)))
    for start in range(0, len(value), size):
        yield value[start : start + size]


def importable(value: Any) -> tuple[str, str] | None:
    """Return module and name from which something can be imported, the shortest module's."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    packages = module.split(".")
    homes = (".".join(packages[: end + 1]) for end in range(len(packages)))
    return next(((home, name) for home in homes if attribute(home, name) is value), None)


def attribute(module: str, name: str) -> Any:
    """Return what an imported module has under a name with dots."""
    with suppress(AttributeError, KeyError):
        return reduce(getattr, name.split("."), sys.modules[module])
    return None


def where(function: Any) -> str:
    """Return what is known of a function that has no name in a module."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = f" of {PurePath(code.co_filename).name}:{code.co_firstlineno}" if code else ""
    return f"{getattr(function, '__qualname__', type(function).__name__)}{place}"


def shown(value: Any) -> str:
    """Return a value in a line, shortened."""
    with suppress(Exception):
        text = " ".join(repr(value).split())
        return text if len(text) <= LINE else f"{text[:LINE]}…"
    return f"{type(value).__name__} object"
