"""The parts of the reference that come from the code: options, commands, report.

Each function returns Markdown. Nothing here is part of the site's machinery, so that the tests can
ask for the same text without building it.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from pytest_ocrleak import declare
from pytest_ocrleak.cli import main

Row = tuple[str, ...]
WORDS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "object": "object",
}


class Declared:
    """What `declare.options` tells pytest: options and ini keys, each with its help."""

    def __init__(self) -> None:
        self.options: dict[str, Mapping[str, Any]] = {}
        self.keys: dict[str, tuple[str, Mapping[str, Any]]] = {}
        declare.options(self)  # type: ignore[arg-type] # all that is asked of a parser

    def getgroup(self, *_: str) -> "Declared":
        """Stand for the group of options, too."""
        return self

    def addoption(self, name: str, **told: Any) -> None:
        """Note an option."""
        self.options[name] = told

    def addini(self, name: str, help: str, **told: Any) -> None:  # noqa: A002 - pytest's name
        """Note a key of the ini file."""
        self.keys[name] = (help, told)


def options() -> str:
    """Return the tables of options, of keys of the ini file and of markers."""
    declared = Declared()
    parts = [
        "## On the command line",
        table(("option", "meaning"), map(option, declared.options.items())),
        "## In the ini file",
        table(("key", "value", "meaning"), map(key, declared.keys.items())),
        "## Markers",
        table(("marker", "meaning"), map(marker, (declare.CHECKED, declare.UNCHECKED))),
    ]
    return "\n\n".join(parts)


def option(one: tuple[str, Mapping[str, Any]]) -> Row:
    """Return an option as typed, and what it means."""
    name, told = one
    value = f" {told['metavar']}" if told.get("metavar") else ""
    return code(f"{name}{value}"), told["help"]


def key(one: tuple[str, tuple[str, Mapping[str, Any]]]) -> Row:
    """Return a key of the ini file, the kind of its value, and what it means."""
    name, (text, told) = one
    kinds = {"bool": "`true` or `false`", "linelist": "lines", "pathlist": "paths"}
    default = f", by default `{str(told['default']).lower()}`" if "default" in told else ""
    return code(name), kinds.get(told.get("type", ""), "text") + default, text


def marker(line: str) -> Row:
    """Return a marker's signature and what it means, from the line that pytest shows."""
    signature, _, meaning = line.partition(": ")
    return code(f"@pytest.mark.{signature}"), meaning


def commands() -> str:
    """Return the commands of `ocrleak`."""
    return "\n\n".join(command(one, "##") for one in subcommands(main.parser()))


def engine() -> str:
    """Return the commands of the engine, which is a distribution of its own."""
    from ocrleak_engine import cli  # noqa: PLC0415

    return "\n\n".join(command(one, "###") for one in subcommands(cli._parser()))  # noqa: SLF001


def subcommands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of the subcommands, in the order they were declared."""
    for action in parser._actions:  # noqa: SLF001 - there is no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.values()


def command(parser: argparse.ArgumentParser, level: str) -> str:
    """Return one command: its purpose, its usage, its arguments."""
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    purpose = sentence(parser.description or "")
    arguments = table(("argument", "meaning"), map(argument, parser._actions))  # noqa: SLF001
    return f"{level} {parser.prog}\n\n{purpose}\n\n```text\n{usage}\n```\n\n{arguments}"


def argument(action: argparse.Action) -> Row:
    """Return an argument as typed, and what it means."""
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    takes = action.option_strings and action.nargs != 0
    value = f" {action.metavar or action.dest.upper()}" if takes else ""
    return code(f"{name}{value}"), action.help or ""


def report(schema: Mapping[str, Any] | None = None) -> str:
    """Return the tables of the JSON report: the document, and each kind of object in it."""
    whole = schema or shipped()
    parts = {"document": whole, **dict(within(whole)), **whole["$defs"]}
    made = (part(name, one, whole) for name, one in parts.items() if "properties" in one)
    return "\n\n".join(made)


def shipped() -> Mapping[str, Any]:
    """Return the schema that comes with the package."""
    text = (files("pytest_ocrleak") / "report" / "schema.json").read_text("utf8")
    return dict(json.loads(text))


def within(one: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects that a schema describes where they are used, by their keys."""
    for name, told in one["properties"].items():
        if "properties" in told:
            yield name, told


def part(name: str, one: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """Return the table of one object."""
    needed = one.get("required", ())
    rows = (
        (
            code(key) if key in needed else f"{code(key)} (optional)",
            kind(key, told, whole),
            of(told),
        )
        for key, told in one["properties"].items()
    )
    return f"## {name.capitalize()}\n\n{of(one)}\n\n{table(('key', 'value', 'meaning'), rows)}"


def kind(key: str, told: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """Return in words what a value is; objects lead to their own table."""
    if "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        return kind(name, whole["$defs"][name], whole)
    if "properties" in told:
        return f"[{key}](#{key})"
    if "items" in told:
        return f"list of {kind(key, told['items'], whole)}"
    if "additionalProperties" in told:
        return f"by name: {kind(key, told['additionalProperties'], whole)}"
    values = told.get("enum", [told["const"]] if "const" in told else [])
    return ", ".join(code(json.dumps(each)) for each in values) or WORDS[told["type"]]


def of(told: Mapping[str, Any]) -> str:
    """Return what a part of the schema says of itself, its title first."""
    return " ".join(sentence(told[key]) for key in ("title", "description") if key in told)


def table(head: Row, rows: Iterable[Row]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    """Return a text for a table's cell; a bar would end it."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"


def sentence(text: str) -> str:
    """Return a text as a sentence."""
    end = "" if text.endswith(("?", ".")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}" if text else ""
