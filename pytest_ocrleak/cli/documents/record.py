"""Records from JSON and into it.

JSON comes from somebody's disk: each field is checked on the way in, and what is wrong is told by
its place.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pytest_ocrleak.cli.process.holdings import Holdings

SCHEMA = 1
BEYOND = 1e18  # no figure is as large
NOUNS = {str: "text", bool: "truth value", list: "list", dict: "object"}
Record = TypeVar("Record", bound=tuple[Any, ...])


class ShapeError(ValueError):
    """Data has another shape than expected; the text says where."""


def document(held: Holdings) -> dict[str, Any]:
    """Return what a process holds as plain data."""
    from importlib.metadata import version  # noqa: PLC0415 - slow to load, and few ask for JSON

    tool = {"name": "pytest-ocrleak", "version": version("pytest-ocrleak")}
    return {"schema_version": SCHEMA, "tool": tool, **plain(held)}


def plain(value: Any) -> Any:
    """Return records as dictionaries, all the way down."""
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple) else value


def record(cls: type[Record], data: Any, where: str = "") -> Record:
    """Return plain data as the record that it was; fields that nobody knows are passed over.

    Raises
    ------
    ShapeError
        A field is missing, or of another type.

    """
    entries = checked(data, dict, where or "the whole")
    defaults: Mapping[str, Any] = cls._field_defaults  # type: ignore[attr-defined]
    found = {}
    for name, hint in get_type_hints(cls).items():
        place = f"{where}.{name}" if where else name
        if name in entries:
            found[name] = value_of(hint, entries[name], place)
        elif name not in defaults:
            raise ShapeError(f"{place} is missing")
    return cls(**found)


def value_of(hint: Any, data: Any, where: str) -> Any:
    """Return a field's value, checked against its type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        each = enumerate(checked(data, list, where))
        return tuple(value_of(arguments[0], one, f"{where}[{index}]") for index, one in each)
    if origin is not None:
        entries = checked(data, dict, where).items()
        return {key: value_of(arguments[1], one, f"{where}.{key}") for key, one in entries}
    if issubclass(hint, tuple):
        return record(hint, data, where)
    return number(hint, data, where) if hint in (int, float) else checked(data, hint, where)


def checked(data: Any, kind: type, where: str) -> Any:
    """Return data if it is of a kind."""
    if not isinstance(data, kind):
        raise ShapeError(f"{where} is no {NOUNS[kind]}")
    return data


def number(kind: type[float], data: Any, where: str) -> float:
    """Return a number as its kind, unless no figure can be as large."""
    if isinstance(data, bool) or not isinstance(data, (int, float)) or not abs(data) < BEYOND:
        raise ShapeError(f"{where} is no number that it could be")
    return kind(data)
