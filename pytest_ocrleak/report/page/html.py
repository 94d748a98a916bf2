"""A report as one page that needs nothing else: no network, no scripts, no files beside it."""

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_ocrleak.report.page.cards import card
from pytest_ocrleak.report.page.grouping import Group, groups, shared
from pytest_ocrleak.report.page.lines import line, undecided
from pytest_ocrleak.report.page.overview import Overview, Row, overview, rows
from pytest_ocrleak.report.page.pictures import illustrated
from pytest_ocrleak.report.page.reading import Report, report
from pytest_ocrleak.report.page.words import UNDECIDED
from pytest_ocrleak.report.text import FINEST
from pytest_ocrleak.sizes import human

PACKAGE = "pytest_ocrleak.report.page"
CARDS = 200  # fixtures and tests whose leaks are told in full
OPENED = 3  # of them that are unfolded, where they fail
SHARED = 10  # leaks told to be in several places
OPEN_ROWS = 300  # undecided meters that are told with their reasons
TONES = {"inconclusive": "open"}  # the others are called the same in the style


def html(document: Mapping[str, Any]) -> str:
    """Return a report's document as a page."""
    told = report(document)
    seen, every = overview(told), groups(told)
    undecided_rows = [row for check in told.checks for row in undecided(check)]
    script = source("page.js")
    return templates().get_template("page.html").render(
        report=told,
        seen=seen,
        shares=shares(seen),
        sections=sections(told, seen, len(every), len(undecided_rows)),
        open_rows=undecided_rows[:OPEN_ROWS],
        more_open=max(0, len(undecided_rows) - OPEN_ROWS),
        meters=rows(told),
        rows=listing(told, every),
        style=Markup(source("page.css")),  # noqa: S704 - this package's own
        script=Markup(script),  # noqa: S704 - this package's own
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **leaks(every),
    )  # fmt: skip


def leaks(every: Sequence[Group]) -> dict[str, Any]:
    """Return what the page says of leaks."""
    several = shared(every)
    told = enumerate(every[:CARDS], 1)
    cards = [card(n, group, opened=n <= OPENED and group.fails) for n, group in told]
    drawn, plots_left_out = illustrated(cards)
    return {
        "cards": drawn,
        "more_cards": max(0, len(every) - CARDS),
        "plots_left_out": plots_left_out,
        "shared": several[:SHARED],
        "more_shared": max(0, len(several) - SHARED),
    }


def listing(told: Report, every: Sequence[Group]) -> list[Any]:
    """Return the table of all checks, those that leak with the place of their card."""
    anchors = {
        id(check): f"leak-{number}"
        for number, group in enumerate(every[:CARDS], 1)
        for check in group.checks
    }
    return [line(check, anchors.get(id(check), "")) for check in told.checks]


def shares(seen: Overview) -> list[tuple[str, int]]:
    """Return how many checks ended in which way, as parts of a bar."""
    return [
        ("leak", seen.leaking),
        ("known", seen.accepting),
        ("open", seen.inconclusive),
        ("green", seen.clean),
    ]


def sections(
    told: Report, seen: Overview, leaking: int, undecided: int
) -> list[tuple[str, str, int | None]]:
    """Return the page's sections: where they are, their names, and how much is in them."""
    every: list[tuple[str, str, int | None, bool]] = [
        ("notes", "Notes", None, bool(told.notes)),
        ("leaks", "Leaks", leaking, leaking > 0),
        ("undecided", "Undecided meters", undecided, undecided > 0),
        ("meters", "Meters", None, True),
        ("checks", "All checks", seen.checked, True),
        ("environment", "Environment", None, True),
    ]
    return [(place, name, count) for place, name, count, there in every if there]


def resolution(row: Row) -> str:
    """Return the smallest growth per run that a meter's clean verdicts would have caught."""
    if row.resolution is None:
        return "–"
    if row.exact:
        return "exact"
    return f"±{human(max(FINEST.get(row.unit, 0.0), row.resolution), row.unit)}"


def tone(verdict: str) -> str:
    """Return the style's word for a verdict."""
    return TONES.get(verdict, verdict if verdict in ("leak", "known", "clean") else "")


@functools.cache
def templates() -> Environment:
    """Return the templates, in which every text is escaped that is not said to be markup."""
    made = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(human=human, number="{:,}".format, tone_of=tone, resolution=resolution)
    made.globals.update(about_undecided=UNDECIDED)
    return made


def source(name: str) -> str:
    """Return the text of a file beside the templates."""
    return files(PACKAGE).joinpath("templates", name).read_text("utf-8")
