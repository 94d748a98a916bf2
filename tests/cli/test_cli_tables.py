"""Tables: fitted to a width, safe to print, the same from both renderers."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pytest_ocrleak.cli.pages import colour, plain
from pytest_ocrleak.cli.pages.safe import columns, one_line, shortened
from pytest_ocrleak.cli.pages.tables import (
    Beside,
    Column,
    Page,
    Part,
    Row,
    Table,
    fit,
    lines,
    wrapped,
)

PATHS = Table(
    "Descriptors: 3",
    (
        Column("count", "right"),
        Column("what", elastic=True),
        Column("state"),
        Column("numbers", wide=True),
    ),
    (
        Row(("×57", "/srv/models/a/very/long/path/to/the/model.onnx", "", "3–59"), "odd"),
        Row(("1", "/tmp/x", "", "60")),
    ),
    ("and more",),
)
PAGE: Page = (lines("Process 1", "server --port 80"), Beside(PATHS, PATHS), PATHS)


def in_colour(page: Page, width: int) -> str:
    """Return a page as rich prints it, less the colours and the rules' lines."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    console.print(colour.group(page, width), soft_wrap=True)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 160, 300])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    """Neither of the renderers writes beyond the last column."""
    for text in (plain.rendered(PAGE, width), in_colour(PAGE, width)):
        assert max(map(columns, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 160])
def test_both_renderers_say_the_same(width: int) -> None:
    """They differ in how titles are set off, and in nothing else."""
    told = [
        [word for word in text.replace("─", " ").split() if word != "=="]
        for text in (plain.rendered(PAGE, width), in_colour(PAGE, width))
    ]
    assert told[0] == told[1]


def test_a_narrow_table_shortens_its_names_in_the_middle() -> None:
    """Beginning and end stay, the empty column goes, and so does the one for wide terminals."""
    fitted = fit(PATHS, 30)
    assert [column.heading for column in fitted.columns] == ["count", "what"]
    name = fitted.rows[0].cells[1]
    assert name.startswith("/srv/mo")
    assert name.endswith("model.onnx")
    assert "…" in name


UNBROKEN = f"/srv/{'x' * 150}.onnx"


@pytest.mark.parametrize(
    "part", [lines("Odd", UNBROKEN), Table("t", PATHS.columns, (), (UNBROKEN,))]
)
@pytest.mark.parametrize("first", [True, False])
def test_a_long_name_runs_into_no_other_part(part: Part, first: bool) -> None:  # noqa: FBT001
    """It is whole, on a line of its own, and the parts are below each other."""
    pair = Beside(part, PATHS) if first else Beside(PATHS, part)
    for text in (plain.rendered((pair,), 160), in_colour((pair,), 200)):
        assert [line for line in text.splitlines() if UNBROKEN in line] == [UNBROKEN]


SPARE = Table(
    "Descriptors: 1",
    (
        Column("count", "right"),
        Column("on disk", "right", spare=True),
        Column("what", elastic=True),
        Column("share"),
        Column("", spare=True),
    ),
    (Row(("×57", "4.1 KB", UNBROKEN, "100%", "█" * 24)),),
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, ["count", "on disk", "what", "share", ""]),
        (40, ["count", "on disk", "what", "share"]),
        (30, ["count", "what", "share"]),
    ],
)
def test_spare_columns_make_room_for_names(width: int, shown: list[str]) -> None:
    """The last goes first, and names keep 16 characters, on terminals as in files."""
    assert [column.heading for column in fit(SPARE, width).columns] == shown
    for text in (plain.rendered((SPARE,), width), in_colour((SPARE,), width)):
        (name,) = (word for word in text.split() if "…" in word)
        assert len(name) >= min(16, width - 16)
        assert not ("█" in text and "█" * 24 not in text)


def test_elastic_columns_share_the_room() -> None:
    """A short one stays whole."""
    both = (Column("a", elastic=True), Column("b", elastic=True))
    fitted = fit(Table("t", both, (Row(("x" * 10, "y" * 100)),)), 62)
    assert fitted.widths == (10, 50)


def test_names_of_others_drive_no_terminal() -> None:
    """Escapes, newlines, marks of direction and broken bytes are told, not done."""
    nasty = "\x1b[2J\r\n\u202e\u2028\udcff\x9b\u200b"
    page: Page = (
        lines(nasty, nasty),
        Table(nasty, (Column("what", elastic=True),), (Row((nasty,)),), (nasty,)),
    )
    for text in (plain.rendered(page, 80), in_colour(page, 80)):
        assert all(line.isprintable() for line in text.splitlines())
        assert "\\x1b[2J" in text


def test_markup_of_others_is_text() -> None:
    """Rich would take brackets for its own markup."""
    assert "[red]x[/red] :smile:" in in_colour((lines("t", "[red]x[/red] :smile:"),), 80)


@given(st.text(), st.integers(0, 40))
def test_a_shortened_text_fits(text: str, room: int) -> None:
    """Wide characters count twice."""
    safe = one_line(text)
    assert safe.isprintable()
    assert columns(shortened(safe, room)) <= room
    assert shortened(safe, columns(safe)) == safe


@given(st.text(alphabet="ab ", max_size=60), st.integers(8, 20))
def test_wrapping_loses_no_word(text: str, width: int) -> None:
    """What does not fit goes to the next line."""
    assert " ".join(wrapped(text, width)).split() == text.split()
