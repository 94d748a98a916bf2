"""The two files that `diff` is given: what each is, told by its content."""

import json
from pathlib import Path
from typing import Any

from pytest_ocrleak.cli.command import InputError
from pytest_ocrleak.cli.documents.record import SCHEMA, ShapeError, record
from pytest_ocrleak.cli.documents.reports import Report
from pytest_ocrleak.cli.process.holdings import Holdings

GIVE = (
    "give a report of `pytest --ocrleak-report FILE.json`, or what `ocrleak inspect --json` wrote"
)


def load(path: str) -> Report | Holdings:
    """Return what is in a file.

    Raises
    ------
    InputError
        It cannot be read, or is neither.

    """
    try:
        return understood(json.loads(Path(path).read_bytes()))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {GIVE}") from None
    except ShapeError as error:
        raise InputError(f"{path} is not what it seems, {error}: {GIVE}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}): {GIVE}") from None


def understood(data: Any) -> Report | Holdings:
    """Return plain data as what it is.

    Raises
    ------
    ShapeError
        It is neither a report nor a process, or one of a later version.

    """
    if not isinstance(data, dict) or ("checks" in data) == ("process" in data):
        raise ShapeError("neither a report nor a process")
    if data.get("schema_version") != SCHEMA:
        raise ShapeError(f"its schema_version is not {SCHEMA}")
    return record(Report, data) if "checks" in data else record(Holdings, data)
