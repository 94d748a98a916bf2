"""The files that `diff` and `merge` are given: what each is, told by its content."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pytest_ocrleak.cli.command import InputError
from pytest_ocrleak.cli.documents.record import SCHEMA, ShapeError, record
from pytest_ocrleak.cli.documents.reports import Report
from pytest_ocrleak.cli.process.holdings import Holdings
from pytest_ocrleak.files import LARGEST, TooLargeError, read
from pytest_ocrleak.report.schema import violation
from pytest_ocrleak.sizes import human

Understood = TypeVar("Understood")

A_REPORT = "give a report of `pytest --ocrleak-report FILE.json`"
GIVE = f"{A_REPORT}, or what `ocrleak inspect --json` wrote"
UPGRADE = "upgrade this one, by `pip install --upgrade pytest-ocrleak`"
DEEPEST = 100  # lists and objects in each other; a report has seven


class NewerError(ShapeError):
    """Data is of a later version; the text says of which."""


def load(path: str) -> Report | Holdings:
    """Return what is in a file, as far as two such files are compared.

    Raises
    ------
    InputError
        It cannot be read, or is neither.

    """
    return taken(path, understood, GIVE)


def load_report(path: str) -> dict[str, Any]:
    """Return the report in a file as it is there, once all of it is checked.

    Raises
    ------
    InputError
        It cannot be read, or is no report.

    """
    return taken(path, whole_report, A_REPORT)


def taken(path: str, understand: Callable[[Any], Understood], give: str) -> Understood:
    """Return what a file is understood as."""
    try:
        return understand(json.loads(read(Path(path))))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {give}") from None
    except TooLargeError:
        raise InputError(f"{path} is larger than {human(LARGEST)}: {give}") from None
    except NewerError as error:
        raise InputError(f"{path} {error}: {UPGRADE}") from None
    except ShapeError as error:
        raise InputError(f"{path} is not what it seems, {error}: {give}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}): {give}") from None


def understood(data: Any) -> Report | Holdings:
    """Return plain data as what it is.

    Raises
    ------
    ShapeError
        It is neither a report nor a process, or one of a later version.

    """
    if not isinstance(data, dict) or ("checks" in data) == ("process" in data):
        raise ShapeError("neither a report nor a process")
    if "checks" in data:
        return record(Report, whole_report(data))
    check_version(data)
    return record(Holdings, data)


def whole_report(data: Any) -> dict[str, Any]:
    """Return plain data that is a report.

    Raises
    ------
    ShapeError
        It is something else, and the text says where.

    """
    if not isinstance(data, dict) or "checks" not in data:
        process = isinstance(data, dict) and "process" in data
        raise ShapeError("no report but a process" if process else "no report")
    check_version(data)
    if said := violation(data):
        raise ShapeError(said)
    check_sound(data)
    return data


def check_version(data: Mapping[str, Any]) -> None:
    """Make sure that data is of the version that is understood here."""
    told = data.get("schema_version")
    if isinstance(told, int) and not isinstance(told, bool) and told > SCHEMA:
        raise NewerError(
            f"was written by a newer version (its schema_version is {told}, known is {SCHEMA})"
        )
    if told != SCHEMA:
        raise ShapeError(f"its schema_version is not {SCHEMA}")


def check_sound(data: Any, room: int = DEEPEST) -> None:
    """Make sure that data can be written again, what nobody knows of it included."""
    if isinstance(data, float) and not math.isfinite(data):
        raise ShapeError(f"it holds {data}, which is no number of JSON")
    if isinstance(data, (dict, list)):
        if not room:
            raise ShapeError(f"it is more than {DEEPEST} levels deep")
        for each in data.values() if isinstance(data, dict) else data:
            check_sound(each, room - 1)
