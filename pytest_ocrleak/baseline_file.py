"""The baseline as a TOML file: one entry a leak, in an order that does not depend on the run.

`tomllib` reads it; the standard library has no writer, and an entry is a few flat keys.
"""

import difflib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pytest_ocrleak import files, sizes
from pytest_ocrleak.baseline import USE, Baseline, Entry
from pytest_ocrleak.inventory import BYTES
from pytest_ocrleak.limits import known

TABLE = "leak"
KEYS = tuple(each.name for each in fields(Entry))
REQUIRED = ("where", "meter", "what", "fingerprint")
LARGEST = 16_000_000  # bytes that are read; an entry takes some 300
HEADER = """\
# Leaks that are known and fail nothing; pytest --ocrleak-update-baseline rewrites this file.
# Entries that still leak stay as they are, comments do not: write why into `reason`. After
# `expires` a leak fails again. `where` may be a glob; `allowed` is what one run may leave.
"""


class BaselineError(ValueError):
    """A file is no baseline; the text says what is wrong, and in which entry."""


def read(path: Path, *, missing_ok: bool = False) -> Baseline:
    """Return the baseline in a file; an empty one where it may be missing and is.

    Raises
    ------
    BaselineError
        It cannot be read, or is no baseline.

    """
    try:
        return parsed(files.read(path, LARGEST).decode("utf-8"))
    except FileNotFoundError:
        if missing_ok:
            return Baseline()
        raise BaselineError(f"{path} does not exist: --ocrleak-update-baseline writes it") from None
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror}") from None
    except files.TooLargeError as error:
        raise BaselineError(f"{path} is no baseline: {error}") from None
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path} is no UTF-8: {error}") from None
    except BaselineError as error:
        raise BaselineError(f"{path}: {error}") from None


def parsed(text: str) -> Baseline:
    """Return the baseline in a file's text.

    Raises
    ------
    BaselineError
        It is no TOML, or an entry has a wrong key or value.

    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"it is no TOML: {error}") from None
    tables = data.pop(TABLE, [])
    if data:
        raise BaselineError(f"{next(iter(data))!r} is nothing that is known: write [[{TABLE}]]")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise BaselineError(f"{TABLE!r} is no list of tables: write [[{TABLE}]] before each entry")
    return Baseline(tuple(entry(table, f"entry {n}") for n, table in enumerate(tables, 1)))


def entry(table: Mapping[str, Any], which: str) -> Entry:
    """Return the entry in a table, each of its values checked."""
    for key in table:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KEYS)}"
            raise BaselineError(f"{which}: {key!r} is no key: {hint}")
    for key in REQUIRED:
        if key not in table:
            raise BaselineError(f"{which}: {key!r} is missing")
    one = Entry(**{key: value(key, table[key], which) for key in KEYS if key in table})
    check_meter(one.meter, which)
    return one


def check_meter(name: str, which: str) -> None:
    """Check that an entry is about a meter, or about a freed object that could be used."""
    try:
        if name != USE:
            known(name)
    except ValueError as error:
        raise BaselineError(f"{which}: {error}") from None


def value(key: str, given: Any, which: str) -> Any:
    """Return the value of a key, checked."""
    parse, expected = VALUES.get(key, (text, "a text"))
    try:
        return parse(given)
    except ValueError:
        raise BaselineError(f"{which}: {key} = {given!r} is not {expected}") from None


def text(given: Any) -> str:
    """Return a text as it is."""
    if not isinstance(given, str):
        raise ValueError  # noqa: TRY004 - of what is in a file
    return given


def size(given: Any) -> float:
    """Return an amount: a number, or bytes as people write them."""
    if isinstance(given, bool):
        raise ValueError  # noqa: TRY004 - of what is in a file
    return sizes.parse(given)


def day(given: Any) -> date:
    """Return a date, which may be written as a text."""
    if isinstance(given, datetime) or not isinstance(given, (date, str)):
        raise ValueError  # noqa: TRY004 - of what is in a file
    return date.fromisoformat(given) if isinstance(given, str) else given


VALUES: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "allowed": (size, "a number from 0 on, or a size like '4 KB'"),
    "expires": (day, "a day like 2030-12-31"),
}


def written(baseline: Baseline) -> str:
    """Return the text of a baseline's file."""
    return "\n".join((HEADER, *("\n".join(lines(entry)) for entry in baseline.entries)))


def lines(one: Entry) -> Iterator[str]:
    """Yield the lines of an entry."""
    yield f"[[{TABLE}]]"
    for key in ("where", "meter", "what", "opened_at"):
        given = getattr(one, key)
        if given or key in REQUIRED:
            yield f"{key} = {quoted(given)}"
    yield f"allowed = {amount(one)}"
    yield f"fingerprint = {quoted(one.fingerprint)}"
    yield f"reason = {quoted(one.reason)}"
    if one.expires:
        yield f"expires = {one.expires}"
    yield ""


def amount(one: Entry) -> str:
    """Return what an entry allows: things as a number, bytes as people write them."""
    if one.meter in BYTES and one.meter != "pyblocks":
        return quoted(sizes.human(one.allowed))
    return f"{one.allowed:.3g}" if one.allowed < sizes.WHOLE else f"{one.allowed:.0f}"


def quoted(given: str) -> str:
    """Return a text as TOML writes it, which is nearly as JSON does: it escapes DEL, too."""
    valid = given.encode("utf-8", "backslashreplace").decode()
    return json.dumps(valid, ensure_ascii=False).replace("\x7f", "\\u007f")
