"""The formats of a report by the suffix of its file; what one needs is imported when it is used."""

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

SUFFIXES: tuple[str, ...] = (".json", ".html", ".md")
EXTRA = "report"  # whose packages a format may need
NEEDED = {".html": {"jinja2": "Jinja2", "matplotlib": "matplotlib"}}  # by module


def rendered(suffix: str, document: Mapping[str, Any]) -> str:
    """Return the whole text of a report's file.

    Names may hold bytes that are no UTF-8: these become escapes, which JSON reads back.
    """
    text = WRITERS[suffix](document)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def missing(suffix: str) -> str:
    """Return what to install for a format that cannot be written here, else nothing."""
    needed = NEEDED.get(suffix, {})
    absent = [name for module, name in needed.items() if find_spec(module) is None]
    if not absent:
        return ""
    return f"{suffix} needs {' and '.join(absent)}: pip install 'pytest-ocrleak[{EXTRA}]'"


def as_json(document: Mapping[str, Any]) -> str:
    """Return a report as JSON."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def as_markdown(document: Mapping[str, Any]) -> str:
    """Return a report as Markdown."""
    from pytest_ocrleak.report.markdown import markdown  # noqa: PLC0415 - few write one

    return markdown(document)


def as_html(document: Mapping[str, Any]) -> str:
    """Return a report as a page."""
    from pytest_ocrleak.report.page.html import html  # noqa: PLC0415 - it takes its time

    return html(document)


WRITERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    ".json": as_json,
    ".html": as_html,
    ".md": as_markdown,
}
