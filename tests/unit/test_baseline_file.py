"""The baseline's file: what is written is read back, what is wrong is told by entry and key."""

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.baseline import Baseline, Entry
from pytest_ocrleak.baseline_file import BaselineError, parsed, read, written

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ENTRIES = st.builds(
    Entry,
    where=TEXTS,
    meter=st.sampled_from(["fds", "heap", "pyblocks", "use"]),
    what=TEXTS,
    fingerprint=TEXTS,
    opened_at=TEXTS,
    allowed=st.integers(0, 999).map(float),
    reason=TEXTS,
    expires=st.none() | st.dates(),
)
ENTRY = """\
[[leak]]
where = "tests/test_x.py::test_y"
meter = "heap"
what = "grows by 12.3 KB per run"
opened_at = "tests/test_x.py in load"
allowed = "12.3 KB"
fingerprint = "0123456789abcdef"
reason = "a cache"
expires = 2030-12-31
"""


@given(st.lists(ENTRIES))
def test_what_is_written_is_read_back(entries: list[Entry]) -> None:
    """Whatever names, reasons and dates hold."""
    known = Baseline(tuple(entries))
    assert parsed(written(known)) == known


def test_an_entry_reads_as_people_write() -> None:
    """One block with the keys in a fixed order; sizes with units; a lone surrogate is escaped."""
    (entry,) = parsed(ENTRY).entries
    assert entry.allowed == 12_300
    assert entry.expires == date(2030, 12, 31)
    assert written(Baseline((entry,))).endswith("\n\n" + ENTRY)
    assert "\\udc80" in written(Baseline((Entry("\udc80", "fds", "", ""),)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[leak]", "it is no TOML: "),
        ("[leak]", "'leak' is no list of tables: write [[leak]] before each entry"),
        ("x = 1", "'x' is nothing that is known: write [[leak]]"),
        (ENTRY + "reson = 'x'", "entry 1: 'reson' is no key: did you mean 'reason'?"),
        (ENTRY + "[[leak]]", "entry 2: 'where' is missing"),
        (ENTRY.replace('"heap"', "1"), "entry 1: meter = 1 is not a text"),
        (ENTRY.replace("heap", "fd"), "entry 1: 'fd' is no meter: did you mean 'fds'?"),
        (ENTRY.replace("heap", "leaks"), "entry 1: 'leaks' is no meter: there are fds, maps, "),
        (ENTRY.replace('"12.3 KB"', "-1"), "entry 1: allowed = -1 is not a number from 0 on"),
        (ENTRY.replace('"12.3 KB"', "inf"), "entry 1: allowed = inf is not a number from 0 on"),
        (ENTRY.replace("2030-12-31", "'soon'"), "entry 1: expires = 'soon' is not a day like"),
        (ENTRY.replace("2030-12-31", "2030-12-31T10:00:00"), "entry 1: expires = datetime."),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(text: str, sentence: str) -> None:
    """With the entry, the key and what to write."""
    with pytest.raises(BaselineError) as caught:
        parsed(text)
    assert str(caught.value).startswith(sentence)


@given(st.text() | st.lists(st.sampled_from(ENTRY.split()), max_size=30).map("\n".join))
def test_nothing_else_is_raised_whatever_the_file_holds(text: str) -> None:
    """It comes from somebody's disk."""
    with suppress(BaselineError):
        parsed(text)


def test_a_file_that_cannot_be_read_is_told_by_its_path(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8, endless; a missing one is empty where it is to be written."""
    path = tmp_path / "known.toml"
    with pytest.raises(BaselineError, match=r"known.toml does not exist: --ocrleak-update-base"):
        read(path)
    assert read(path, missing_ok=True) == Baseline()
    with pytest.raises(BaselineError, match="cannot be read: Is a directory"):
        read(tmp_path)
    path.write_bytes(b"\xff")
    with pytest.raises(BaselineError, match=r"known.toml is no UTF-8"):
        read(path)
    with path.open("r+b") as file:
        file.truncate(16_000_001)
    with pytest.raises(BaselineError, match=r"is no baseline: more than 16,000,000 bytes"):
        read(path)
