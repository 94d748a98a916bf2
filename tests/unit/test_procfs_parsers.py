"""Parsers of the kernel's text, on captured lines."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.meters import elf
from pytest_ocrleak.meters.areas import kinds, parse
from pytest_ocrleak.meters.fds import special
from pytest_ocrleak.meters.maps import by_file, without_heap
from pytest_ocrleak.meters.rss import resident, shares

STACK = 8 << 20
MAPS = """\
55d0c6f3c000-55d0c6f3d000 r--p 00000000 fe:00 26723                      /usr/bin/python3.11
55d0c7000000-55d0c7100000 rw-p 00000000 00:00 0                          [heap]
7f10a0000000-7f10a0001000 ---p 00000000 00:00 0
7f10a0001000-7f10a0901000 rw-p 00000000 00:00 0
7f10b4000000-7f10b4001000 r--p 00000000 fe:00 500                        /models/my model.onnx
7f10b4001000-7f10b4003000 r--p 00001000 fe:00 500                        /models/my model.onnx
7f10b5000000-7f10b5001000 r--p 00000000 fe:00 77                         /usr/lib/libm.so.6
7f10b5001000-7f10b5003000 r-xp 00001000 fe:00 77                         /usr/lib/libm.so.6
7f10b6000000-7f10b6001000 rw-s 00000000 00:01 1026                       /dev/zero (deleted)
7f10b7000000-7f10b7001000 rw-p 00000000 00:00 0                          [anon:cache]
7ffd4c5e0000-7ffd4c601000 rw-p 00000000 00:00 0                          [stack]
7ffd4c700000-7ffd4c701000 r-xp 00000000 00:00 0                          [vdso]
"""
SMAPS = """\
7f10b4000000-7f10b4001000 r--p 00000000 fe:00 500                        /models/my model.onnx
Size:                  4 kB
Rss:                   4 kB
Pss:                   2 kB
VmFlags: rd mr mw me
7f10b6000000-7f10b6003000 rw-p 00000000 00:00 0
Size:                 12 kB
Rss:                   8 kB
"""


def test_each_area_has_a_use() -> None:
    """A stack above its guard, what was merged onto it, and memory that bears a name."""
    found = [(kind, area.size) for kind, area in kinds(parse(MAPS), STACK) if not area.inode]
    assert found == [
        ("heap", 1 << 20),
        ("reserved", 4096),
        ("stack", STACK),
        ("private", 1 << 20),
        ("private", 4096),
        ("stack", 0x21000),
        ("kernel", 4096),
    ]


def test_a_heap_beside_one_that_is_almost_full_is_no_stack() -> None:
    """What that one has left is as small as a stack's guard."""
    text = (
        "7f0000000000-7f0003ff0000 rw-p 00000000 00:00 0\n"
        "7f0003ff0000-7f0004000000 ---p 00000000 00:00 0\n"
        "7f0004000000-7f0004021000 rw-p 00000000 00:00 0\n"
    )
    assert [kind for kind, _ in kinds(parse(text), STACK)] == ["private", "reserved", "private"]


def test_areas_of_one_file_are_one_mapping() -> None:
    """Sizes add up, blanks in a path stay, code makes a library."""
    files = {file.path: (file.kind, file.size) for file in by_file(kinds(parse(MAPS), STACK))}
    assert files == {
        "/usr/bin/python3.11": ("file", 4096),
        "/models/my model.onnx": ("file", 12288),
        "/usr/lib/libm.so.6": ("library", 12288),
        "/dev/zero (deleted)": ("shared", 4096),
    }


def test_the_main_heap_is_left_out_and_nothing_else() -> None:
    """Its line alone goes, as large as it may be; a file of that name stays."""
    lines = MAPS.splitlines(keepends=True)
    assert without_heap(MAPS) == "".join(lines[:1] + lines[2:])
    assert without_heap("".join(lines[2:])) == "".join(lines[2:])
    file = "7f10b4000000-7f10b4001000 r--p 00000000 fe:00 500                        /a [heap]\n"
    assert without_heap(file) == file


def test_smaps_adds_what_is_resident() -> None:
    """Only the line named Rss counts."""
    assert [area.resident for area in parse(SMAPS)] == [4096, 8192]


@given(st.text(alphabet="0123456789abcdef- rwxp:/[]\n", max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    """A line that is none is passed over."""
    assert all(area.size == area.end - area.start for area in parse(text))


def test_resident_memory_is_told_by_what_it_is() -> None:
    """The shares of the allocators and of the files add up to all of it."""
    parts = shares(list(kinds(parse(SMAPS), STACK)), 0, 4096, 0)
    assert parts["mapped files"] == 4096
    assert parts["heap in use"] == 4096
    assert parts["mapped without a file"] == 4096
    assert sum(parts.values()) == 12288


def test_a_librarys_zeroed_variables_are_counted() -> None:
    """A segment that is longer in memory than in the file is rounded to pages."""
    entry = (1, 6, 0, 0x1800, 0x1800, 0x900, 0x3000, 0x1000)
    assert elf.beyond(struct.pack("<IIQQQQQQ", *entry)) == 0x5000 - 0x3000
    assert elf.zeroed(__file__) == 0
    assert elf.zeroed("/nowhere") == 0


def test_descriptors_without_a_file_have_the_kernels_name() -> None:
    """The names in brackets and without."""
    assert special("anon_inode:[eventpoll]") == "eventpoll"
    assert special("anon_inode:inotify") == "inotify"
    assert special("something else") == "descriptor"


def test_resident_memory_is_the_sum_of_its_kinds() -> None:
    """Kilobytes become bytes."""
    status = "Name:\tpython\nRssAnon:\t    10 kB\nRssFile:\t     4 kB\nRssShmem:\t     0 kB\n"
    assert resident(status) == 14336
