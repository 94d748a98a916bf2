"""The published schema of the report (`schema.json`), and whether a document keeps to it.

Who reads a report must not need a library for that, so the keywords that the schema uses are
understood here; the tests hold what is said of a document against what jsonschema says.
"""

import functools
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

Rule = Mapping[str, Any]
Check = Callable[[Any], str]  # of data to what is wrong, its place first; nothing where all is well

TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "text"),
    "boolean": (bool, "truth value"),
    "integer": (int, "whole number"),
    "number": ((int, float), "number"),
    "array": (list, "list"),
    "object": (dict, "object"),
}


@functools.cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    return dict(json.loads(Path(__file__).with_name("schema.json").read_bytes()))


def violation(document: Any) -> str:
    """Return the first thing that makes a document no report, with its place, else nothing."""
    said = whole()(document) or mismatch(document)
    return f"the whole{said}" if said.startswith(" ") else said.removeprefix(".")


@functools.cache
def whole() -> Check:
    """Return the check of a whole document."""
    return compiled(schema())


def compiled(rule: Rule) -> Check:
    """Return the check of data against a part of the schema."""
    return partial(first, [made(rule) for keyword, made in KEYWORDS.items() if keyword in rule])


def first(checks: Iterable[Check], data: Any) -> str:
    """Return what the first check says that says anything."""
    for check in checks:
        if said := check(data):
            return said
    return ""


def typed(name: str, data: Any) -> str:
    """Check a value's type; a truth value is no number."""
    kind, noun = TYPES[name]
    truth = isinstance(data, bool) and name != "boolean"
    return f" is no {noun}" if truth or not isinstance(data, kind) else ""


def among(values: Collection[Any], data: Any) -> str:
    """Check that a value is one of some; a truth value is no number."""
    for value in values:
        if data == value and isinstance(data, bool) == isinstance(value, bool):
            return ""
    told = ", ".join(value if isinstance(value, str) else json.dumps(value) for value in values)
    return f" is none of {told}" if len(values) > 1 else f" is not {told}"


def within(low: float, high: float, data: Any) -> str:
    """Check that a number lies between two others."""
    return "" if low <= data <= high else " is no number that it could be"


def sized(fewest: int, most: float, data: Any) -> str:
    """Check the number of entries of a list."""
    if fewest <= len(data) <= most:
        return ""
    return " is empty" if len(data) < fewest else f" has more than {most} entries"


def dated(data: Any) -> str:
    """Check that a text is a date and time."""
    try:
        datetime.fromisoformat(data)
    except ValueError:
        return " is no date and time"
    return ""


def holding(names: Iterable[str], data: Any) -> str:
    """Check that an object has keys."""
    return next((f".{name} is missing" for name in names if name not in data), "")


def of_properties(known: Mapping[str, Check], data: Any) -> str:
    """Check the values of known keys."""
    for name, check in known.items():
        if name in data and (said := check(data[name])):
            return f".{name}{said}"
    return ""


def of_values(check: Check, data: Any) -> str:
    """Check the values of all keys."""
    for name, value in data.items():
        if said := check(value):
            return f".{name}{said}"
    return ""


def of_items(check: Check, data: Any) -> str:
    """Check the entries of a list."""
    for index, value in enumerate(data):
        if said := check(value):
            return f"[{index}]{said}"
    return ""


def depending(condition: Check, then: Check, otherwise: Check, data: Any) -> str:
    """Check one thing where a condition holds, and another one where it does not."""
    return otherwise(data) if condition(data) else then(data)


KEYWORDS: Mapping[str, Callable[[Rule], Check]] = {  # the type comes first: others rely on it
    "$ref": lambda rule: compiled(schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")]),
    "type": lambda rule: partial(typed, rule["type"]),
    "const": lambda rule: partial(among, [rule["const"]]),
    "enum": lambda rule: partial(among, rule["enum"]),
    "minimum": lambda rule: partial(within, rule["minimum"], rule["maximum"]),
    "minItems": lambda rule: partial(sized, rule["minItems"], float("inf")),
    "maxItems": lambda rule: partial(sized, 0, rule["maxItems"]),
    "format": lambda _: dated,
    "required": lambda rule: partial(holding, rule["required"]),
    "properties": lambda rule: partial(
        of_properties, {name: compiled(each) for name, each in rule["properties"].items()}
    ),
    "additionalProperties": lambda rule: partial(of_values, compiled(rule["additionalProperties"])),
    "items": lambda rule: partial(of_items, compiled(rule["items"])),
    "if": lambda rule: partial(depending, *(compiled(rule[it]) for it in ("if", "then", "else"))),
}


def mismatch(report: Mapping[str, Any]) -> str:
    """Return which of a report's parts do not belong together, which no schema can say."""
    environments = len(report.get("environments", [None]))
    if report["summary"]["checked"] != len(report["checks"]):
        return ".summary.checked is not the number of checks"
    for index, check in enumerate(report["checks"]):
        place = f".checks[{index}]"
        if check.get("environment", 0) >= environments:
            return f"{place}.environment is beyond the report's environments"
        for name, meter in check["meters"].items():
            if len(meter.get("batches") or meter["series"]) != len(meter["series"]):
                return f"{place}.meters.{name}.batches has not as many entries as series"
    return ""
