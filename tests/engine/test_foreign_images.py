"""Files from anywhere, in every format that Pillow knows: read or refused, and never large."""

import contextlib
import functools
import io
import itertools
import os
import struct
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocrleak_engine import ImageError
from ocrleak_engine.image import read_image
from PIL import EpsImagePlugin, Image

LIMIT = 200_000  # pixels
SIZE = WIDTH, HEIGHT = 251, 241  # numbers that stand nowhere else in a header
MOST = 48 << 20  # bytes: what an image of the limit takes, several times over
HUGE = {"H": (0, 0x4000, 0x7FFF, 0xFFFF), "I": (0, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)}
many = settings(max_examples=150)


@functools.cache
def files() -> dict[tuple[str, str], bytes]:
    """Return a small file of each format that Pillow writes and reads, by format and mode."""
    Image.init()
    grey = Image.fromarray(np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)).astype(np.uint8))
    found = {}
    for kind in sorted({*Image.SAVE} & {*Image.OPEN} - {"EPS"}):
        for mode in ("RGB", "P", "1", "RGBA", "F"):
            file = io.BytesIO()
            with warnings.catch_warnings(), contextlib.suppress(OSError, KeyError, ValueError):
                warnings.simplefilter("ignore")  # Pillow gives some formats up
                grey.convert(mode).save(file, kind)
                found[kind, mode] = file.getvalue()
    return found


def kinds() -> st.SearchStrategy[bytes]:
    """Return the files as what to draw from."""
    return st.sampled_from(list(files().values()))


def read(data: bytes) -> str:
    """Read a file; return why it was refused, or nothing."""
    try:
        pixels = read_image(data, LIMIT)
    except ImageError as error:
        assert error.__context__ is None  # noqa: PT017 - either way is right
        return str(error)
    height, width, channels = pixels.shape
    assert 0 < height * width <= LIMIT
    assert channels == 3
    return ""


def test_all_are_read_as_they_are() -> None:
    """What is damaged below is a file that was sound; icons (ICNS) are made larger than asked."""
    assert len({kind for kind, _ in files()}) >= 15
    refused = {kind for (kind, _), content in files().items() if read(content)}
    assert refused <= {"ICNS"}


@many
@given(st.data())
def test_any_damage_in_any_format(data: st.DataObject) -> None:
    """Bytes changed where headers are, some put in between, and the end cut off."""
    content = bytearray(data.draw(kinds()))
    near = st.integers(0, min(300, len(content) - 1)) | st.integers(0, len(content) - 1)
    byte = st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255)
    for place, value in data.draw(st.lists(st.tuples(near, byte), max_size=8)):
        content[place] = value
    place = data.draw(near)
    content[place:place] = data.draw(st.binary(max_size=12))
    read(bytes(content[: data.draw(st.none() | near)]))


@many
@given(st.data(), st.integers(4, 200), st.binary(max_size=200))
def test_any_content_behind_a_true_beginning(data: st.DataObject, length: int, rest: bytes) -> None:
    """What a format is told by is there, and nothing else of it."""
    read(data.draw(kinds())[:length] + rest)


def hostile(content: bytes) -> Iterator[bytes]:
    """Yield the file with other sizes in its header, however it writes them."""
    head, rest = content[:2000], content[2000:]
    for order, (letter, sizes) in itertools.product("<>", HUGE.items()):
        as_bytes = struct.Struct(order + letter).pack
        for huge in sizes:
            for less in (0, 1):  # some write the last column's number
                both = head.replace(as_bytes(WIDTH - less), as_bytes(huge))
                yield both + rest
                yield both.replace(as_bytes(HEIGHT - less), as_bytes(huge)) + rest
    for written in (b"0", b"-5", b"1e9", b"99999999", b"9" * 5000):
        yield head.replace(b"251", written).replace(b"241", written) + rest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")
def test_no_size_in_a_header_takes_memory() -> None:
    """The first reading shows that the measure sees what it is to see."""
    with np.errstate(all="ignore"):
        assert peak(lambda: np.ones(2 * MOST, np.uint8)) > MOST
    for kind, content in files().items():
        for damaged in {*hostile(content)} - {content}:
            assert peak(lambda damaged=damaged: read(damaged)) < MOST, kind


def peak(act: object) -> int:
    """Return by how many bytes the resident memory rose at most meanwhile."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forget the highest so far
    before = highest()
    act()  # type: ignore[operator]
    return highest() - before


def highest() -> int:
    """Return the highest resident memory so far, in bytes."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def test_postscript_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would hand it to Ghostscript, by its content: a scan's name may end in .png."""
    ghost = tmp_path / "gs"
    ghost.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    ghost.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    program = io.BytesIO()
    Image.new("RGB", SIZE).save(program, "EPS")
    with pytest.raises(ImageError, match="it is PostScript, a program"):
        read_image(program.getvalue(), LIMIT)
    assert not (tmp_path / "ran").exists()
