"""Parsers of the kernel's text, on captured lines."""

from pytest_ocrleak.meters.fds import special
from pytest_ocrleak.meters.maps import areas, by_file
from pytest_ocrleak.meters.rss import resident_parts

MAPS = """\
55d0c6f3c000-55d0c6f3d000 r--p 00000000 fe:00 26723                      /usr/bin/python3.11
7f10a0000000-7f10a0021000 rw-p 00000000 00:00 0
7f10b4000000-7f10b4001000 r--p 00000000 fe:00 500                        /models/my model.onnx
7f10b4001000-7f10b4003000 r--p 00001000 fe:00 500                        /models/my model.onnx
7f10b5000000-7f10b5001000 r--p 00000000 fe:00 77                         /usr/lib/libm.so.6
7f10b5001000-7f10b5003000 r-xp 00001000 fe:00 77                         /usr/lib/libm.so.6
7f10b6000000-7f10b6001000 rw-s 00000000 00:01 1026                       /dev/zero (deleted)
7ffd4c5e0000-7ffd4c601000 rw-p 00000000 00:00 0                          [stack]
"""


def test_areas_of_one_file_are_one_mapping() -> None:
    """Sizes add up, blanks in a path stay, memory without a file is left out."""
    found = {file.path: (file.kind, file.size) for file in by_file(areas(MAPS))}
    assert found == {
        "/usr/bin/python3.11": ("file", 4096),
        "/models/my model.onnx": ("file", 12288),
        "/usr/lib/libm.so.6": ("library", 12288),
        "/dev/zero (deleted)": ("file", 4096),
    }


def test_descriptors_without_a_file_have_the_kernels_name() -> None:
    """The names in brackets and without."""
    assert special("anon_inode:[eventpoll]") == "eventpoll"
    assert special("anon_inode:inotify") == "inotify"
    assert special("something else") == "descriptor"


def test_resident_memory_comes_with_its_parts() -> None:
    """Kilobytes become bytes."""
    status = "Name:\tpython\nRssAnon:\t    10 kB\nRssFile:\t     4 kB\nRssShmem:\t     0 kB\n"
    assert resident_parts(status) == {"anonymous": 10240, "file": 4096, "shared": 0}
