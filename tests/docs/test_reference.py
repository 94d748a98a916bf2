"""The parts of the reference that are made from the code, and the figures that are copied."""

import re

import pytest
import reference
from blocks import ROOT

import pytest_ocrleak
from pytest_ocrleak.cli import main
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.report.schema import schema

DOCS = ROOT / "docs"


def read(page: str) -> str:
    """Return a page's text."""
    return (DOCS / page).read_text("utf8")


def test_every_option_and_key_is_in_the_reference(request: pytest.FixtureRequest) -> None:
    """As `pytest --help` has them: none is missing, each has a sentence."""
    made = reference.options()
    group = request.config._parser.getgroup("ocrleak").options
    names = {name for option in group for name in option.names()}
    assert len(names) > 8
    assert set(re.findall(r"^\| `(--[a-z-]+)", made, re.MULTILINE)) == names
    keys = {name for name in request.config._parser._inidict if name.startswith("ocrleak")}
    assert set(re.findall(r"^\| `(ocrleak\w*)`", made, re.MULTILINE)) == keys
    assert "`@pytest.mark.no_ocrleak(reason)`" in made
    assert not re.search(r"\|  \|$", made, re.MULTILINE)


def test_every_command_is_in_the_reference() -> None:
    """Each with its arguments, and nothing that is hidden."""
    made = reference.commands()
    assert re.findall(r"^## ocrleak (\w+)$", made, re.MULTILINE) == [
        command.name for command in main.COMMANDS
    ]
    assert "| `--interval SECONDS` |" in made
    assert "==SUPPRESS==" not in made


def test_every_key_of_the_report_is_in_the_reference() -> None:
    """Each has its words, and what a value leads to has a table."""
    made = reference.report()
    rows = [line for line in made.splitlines() if line.startswith("| `")]
    for part in (schema(), *schema()["$defs"].values()):
        for name, told in part.get("properties", {}).items():
            (row,) = {row for row in rows if row.startswith(f"| `{name}`") and told["title"] in row}
            assert "||" not in row.replace(" ", "")
    headings = {title.lower() for title in re.findall(r"^## (\w+)$", made, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", made)) <= headings
    assert {"document", "check", "meter", "leak"} <= headings


def test_all_that_can_be_imported_is_in_the_reference() -> None:
    """Classes by themselves, functions as the methods of a checker that they are."""
    page = read("reference/api.md")
    shown = re.findall(r"^(?:::: pytest_ocrleak\.(?:Checker\.)?|## )(\w+)$", page, re.MULTILINE)
    assert sorted(set(shown)) == sorted(pytest_ocrleak.__all__)


def test_all_meters_are_named() -> None:
    """In the order in which they are read."""
    (line,) = re.findall(r"\*\*Meters\*\*.*", read("reference/options.md"))
    assert re.findall(r"`(\w+)`", line) == list(METERS)


def test_figures_of_the_comparison_are_those_of_the_benchmarks() -> None:
    """A benchmark that ran again has to be read again."""
    page = read("comparison.md")
    ways = dict(
        re.findall(
            r"^\| ([^|]+?) \| `.*\*\*([\d.]+)\*\*",
            read("overhead-benchmark.md").partition("## 10000 tests")[0],
            re.MULTILINE,
        )
    )
    cost = page.partition("## Cost")[2]
    for label, idle, busy in OVERHEAD:
        assert f"| {label} | {ways[idle]} | {ways[busy]} |" in cost
    verdicts = read("verdict-benchmark.md")
    counts = r"^\| (?:ocrleak|psleak) \| 212 \| \d+ \| (\d+) \| (\d+) \| \d+ \| (\d+)"
    ours, theirs = re.findall(counts, verdicts, re.MULTILINE)
    assert f"| {ours[0]} | {theirs[0]} ({theirs[1]} of them reference cycles" in page
    assert f"| clean functions without a verdict in 60 s | {ours[2]} | {theirs[2]} |" in page
    for label, row in (("to a verdict", "all"), ("to find a leak", "leaks")):
        medians = rf"^\| {row} \(.*?\) \| ([\d.]+) s \| .*? \| ([\d.]+) s"
        ((us, them),) = re.findall(medians, verdicts, re.MULTILINE)
        assert f"| seconds {label}, median | {us} | {them} |" in page


OVERHEAD = (
    ("pytest-ocrleak, every meter", "ocrleak, idle", "ocrleak, every meter"),
    (
        "dask's plugin, descriptors and threads",
        "dask's plugin, idle",
        "dask's plugin, two meters",
    ),
    ("dask's plugin, all that it has", "dask's plugin, idle", "dask's plugin, every meter"),
    ("pytest-memray", "pytest-memray, idle", "pytest-memray"),
    ("pytest-openfiles", "pytest-openfiles, idle", "pytest-openfiles"),
    ("pyleak, every test marked", "pyleak, idle", "pyleak, every test marked"),
)
