"""Parsers of the kernel's text, on captured lines and on any."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.cli.process import proctext
from pytest_ocrleak.cli.process.holdings import Limit, Mapped

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max stack size            8388608              unlimited            bytes
Max open files            1024                 1048576              files
Max nice priority         0                    0
"""
STATUS = "Name:\tserver\nState:\tS (sleeping)\nTgid:\t42\nRssAnon:\t     116 kB\nCapEff:\t00ff\n"
SMAPS = """\
55d0c7000000-55d0c7100000 rw-p 00000000 00:00 0                          [heap]
Rss:                 512 kB
7f0000000000-7f0000021000 rw-p 00000000 00:00 0
Rss:                  12 kB
7f0000021000-7f0004000000 ---p 00000000 00:00 0
Rss:                   0 kB
7f10a0001000-7f10a0003000 rw-p 00000000 00:00 0
Rss:                   8 kB
7f10a0005000-7f10a0007000 rw-p 00000000 00:00 0
Rss:                   4 kB
7f10b4000000-7f10b4001000 r-xp 00000000 fe:00 500                        /lib/libssl.so (deleted)
Rss:                   4 kB
7f10b6000000-7f10b6003000 rw-s 00000000 00:01 9                          /memfd:cache (deleted)
Rss:                  12 kB
"""


def test_limits_are_read_by_name() -> None:
    """Without a limit it is 0."""
    found = proctext.limits(LIMITS)
    assert found["Max open files"] == Limit(1024, 1048576)
    assert found["Max stack size"] == Limit(8388608, 0)


def test_figures_of_status() -> None:
    """Numbers alone, in base ten."""
    assert proctext.figures(STATUS)["RssAnon"] == 116
    assert proctext.figures(STATUS)["Tgid"] == 42
    assert "State" not in proctext.figures(STATUS)


def test_areas_are_told_by_what_they_are_for() -> None:
    """A thread's heap from other memory, a deleted library, and memory of equal size together."""
    found = proctext.mapped(proctext.areas(SMAPS, 0))
    assert found == (
        Mapped("heap", "", 1, 1 << 20, 512 << 10),
        Mapped("thread heap", "", 1, 0x21000, 12 << 10),
        Mapped("private", "", 2, 0x4000, 12 << 10),
        Mapped("library", "/lib/libssl.so", 1, 4096, 4096, deleted=True),
        Mapped("shared", "/memfd:cache", 1, 0x3000, 12 << 10),
    )


def test_resident_memory_is_told_by_its_parts() -> None:
    """The largest first, and all of it."""
    parts = proctext.resident_parts(proctext.areas(SMAPS, 0))
    assert list(parts.items())[:2] == [("heap", 512 << 10), ("heaps of threads", 12 << 10)]
    assert sum(parts.values()) == (512 + 12 + 8 + 4 + 4 + 12) << 10


PIECES = st.sampled_from(
    [
        *(f"{line}\n" for line in (LIMITS + STATUS + SMAPS).splitlines()),
        "Max open files",
        " kB",
        "[",
    ]
)
TEXT = st.one_of(
    st.text(max_size=200), st.lists(st.one_of(PIECES, st.text()), max_size=12).map("".join)
)


@given(TEXT, st.integers(0, 1 << 40))
def test_no_text_breaks_a_parser(text: str, stack: int) -> None:
    """What is no line of the kernel's is passed over."""
    areas = proctext.areas(text, stack)
    assert sum(mapping.areas for mapping in proctext.mapped(areas)) <= len(areas)
    assert sum(proctext.resident_parts(areas).values()) >= 0
    assert all(limit.soft >= 0 for limit in proctext.limits(text).values())
    assert all(number >= 0 for number in proctext.figures(text).values())
