"""The formats of a report: what each needs, and what none of them may lose."""

import importlib
import json
import sys
from pathlib import Path

import pytest
from documents import HOSTILE, check, document, hostile, leak, small

from pytest_ocrleak.report.formats import SUFFIXES, missing, rendered


def test_json_is_read_back_as_it_was() -> None:
    """Each name, bytes that are no UTF-8 included, in a file that any editor can read."""
    for told in (small(), hostile()):
        text = rendered(".json", told)
        assert json.loads(text) == told
        assert text.endswith("\n}\n")
    assert HOSTILE[-1] in text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_can_be_written_as_utf_8(suffix: str) -> None:
    """A lone surrogate, as a file's name may have one, becomes an escape."""
    leaks = [leak("fds", "/tmp/\udcff")]
    text = rendered(suffix, document([check("t.py::test_\ud800", "leak", leaks=leaks)]))
    assert r"/tmp/\udcff" in text
    assert text.encode("utf-8").decode("utf-8") == text


def test_what_a_format_needs_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clause with the command to type; nothing where it can be written."""
    assert [missing(suffix) for suffix in SUFFIXES] == ["", "", ""]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told = ".html needs matplotlib: pip install 'pytest-ocrleak[report]'"
    assert [missing(suffix) for suffix in SUFFIXES] == ["", told, ""]
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert missing(".html").startswith(".html needs Jinja2 and matplotlib: ")


def test_one_module_draws_and_one_fills_templates() -> None:
    """The rest of the report works without the extra: matplotlib and Jinja2 have one home each."""
    package = importlib.import_module("pytest_ocrleak.report.page").__path__[0]
    sources = {path.name: path.read_text("utf-8") for path in Path(package).glob("*.py")}
    for word, homes in (("matplotlib.", {"figures.py"}), ("jinja2", {"html.py"})):
        assert {name for name, text in sources.items() if f"from {word}" in text} == homes
