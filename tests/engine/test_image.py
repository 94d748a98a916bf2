"""Anything that holds an image, and anything that only looks like it."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ocrleak_engine import ImageError, ImageNotFoundError, ImageTooLargeError, ImageTypeError
from ocrleak_engine.image import FILE_BYTES, FILE_BYTES_PER_PIXEL, read_image
from PIL import Image

LIMIT = 1_000_000
GREY = np.linspace(0, 255, 64 * 48).astype(np.uint8).reshape(48, 64)
CLEAR_WHITE = np.where(GREY > 128, 255, GREY)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return the bytes of a file that holds `picture`."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that announces its size and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(header) - 4) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


def off(got: np.ndarray, expected: np.ndarray = GREY) -> float:
    """Return the mean difference of an RGB array to a grey one, in steps of 255."""
    assert got.dtype == np.uint8
    assert got.shape == (*expected.shape, 3)
    return float(np.abs(got.astype(int) - expected[:, :, None]).mean())


@pytest.mark.parametrize(
    "mode", ["L", "LA", "PA", "La", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV"]
)
def test_every_colour_mode(mode: str) -> None:
    """Pillow reaches some modes only from a neighbour."""
    step = {"PA": "LA", "La": "LA", "RGBa": "RGBA"}.get(mode, "RGB")
    picture = Image.fromarray(GREY).convert(step).convert(mode)
    assert off(read_image(picture, LIMIT)) < 1


def test_palette() -> None:
    """A palette image is looked up, not taken for grey."""
    assert off(read_image(encoded(Image.fromarray(GREY).quantize(256)), LIMIT)) < 1


def test_lab() -> None:
    """Pillow converts LAB to nothing but itself; its lightness is what reads."""
    flat = Image.new("L", (64, 48), 128)
    assert off(read_image(Image.merge("LAB", (Image.fromarray(GREY), flat, flat)), LIMIT)) == 0


def test_one_bit() -> None:
    """Bits are black and white, not 0 and 1."""
    bits = Image.fromarray(GREY > 128)
    assert off(read_image(bits, LIMIT), np.where(GREY > 128, 255, 0)) == 0


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    """`convert("RGB")` would make everything above 255 white."""
    wide = Image.fromarray(GREY.astype(np.uint16) * 257)
    assert off(read_image(encoded(wide, kind), LIMIT)) == 0


@pytest.mark.parametrize("mode", ["I", "F"])
@pytest.mark.parametrize("top", [1, 255, 65535, 1e9])
def test_numbers_without_a_range(mode: str, top: float) -> None:
    """Modes I and F may hold anything; the narrowest usual range is taken."""
    numbers = GREY * (top / 255) if mode == "F" or top > 1 else (GREY > 128).astype(float)
    expected = GREY if mode == "F" or top > 1 else np.where(GREY > 128, 255, 0)
    picture = Image.fromarray(numbers.astype(np.int32 if mode == "I" else np.float32))
    assert off(read_image(picture, LIMIT), expected) < 0.1


@pytest.mark.parametrize(
    ("mode", "clear"), [("L", 200), ("P", 200), ("RGB", (200, 200, 200)), ("1", 0)]
)
def test_a_transparent_colour_is_white(mode: str, clear: int | tuple[int, ...]) -> None:
    """Palette, grey and RGB files may each name one colour as clear."""
    grey = np.full((48, 64), 0 if mode == "1" else 200, np.uint8)
    data = encoded(Image.fromarray(grey).convert(mode), transparency=clear)
    assert off(read_image(data, LIMIT), np.full((48, 64), 255)) == 0


def test_an_alpha_channel_is_laid_on_white() -> None:
    """Text on a clear ground is meant for paper."""
    half = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 128)])
    expected = GREY * (128 / 255) + 255 * (127 / 255)
    assert off(read_image(Image.fromarray(half), LIMIT), expected) < 1
    assert off(read_image(half, LIMIT), expected) < 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "undo"), [(1, None), (2, 0), (3, 3), (4, 1), (5, 5), (6, 2), (7, 6), (8, 4)]
)
def test_exif_orientation(kind: str, orientation: int, undo: int | None) -> None:
    """Each of the eight orientations comes out upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(GREY)
    turned = picture if undo is None else picture.transpose(Image.Transpose(undo))
    assert off(read_image(encoded(turned, kind, exif=exif), LIMIT)) < 2


@pytest.mark.parametrize("strict", [False, True])
def test_damaged_exif_is_no_reason_not_to_read(strict: bool) -> None:  # noqa: FBT001
    """Pillow warns of it, and a filter may make an error of the warning."""
    five_entries_and_no_data = b"Exif\0\0II*\0\x08\0\0\0\x05\0"
    damaged = encoded(Image.fromarray(GREY), "JPEG", exif=five_entries_and_no_data)
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        Image.open(io.BytesIO(damaged)).getexif()
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore")
        assert off(read_image(damaged, LIMIT)) < 2


def test_the_first_frame_of_many() -> None:
    """Of a multi-page file the first page is read."""
    other = Image.new("L", (64, 48))
    data = encoded(Image.fromarray(GREY), "TIFF", save_all=True, append_images=[other])
    assert off(read_image(data, LIMIT)) == 0


@pytest.mark.parametrize("kind", ["BMP", "GIF", "WEBP", "PPM", "TGA", "JPEG2000", "PCX", "QOI"])
def test_other_formats(kind: str) -> None:
    """Formats that Pillow loads late are found by their content."""
    assert off(read_image(encoded(Image.fromarray(GREY).convert("RGB"), kind), LIMIT)) < 3


def test_paths_bytes_and_pictures_read_alike(tmp_path: Path) -> None:
    """The same file comes in six ways."""
    path = tmp_path / "é.png"
    path.write_bytes(encoded(Image.fromarray(GREY)))
    data = path.read_bytes()
    for source in (path, str(path), data, bytearray(data), memoryview(data), Image.open(path)):
        assert off(read_image(source, LIMIT)) == 0


@pytest.mark.parametrize(
    "array",
    [
        GREY,
        GREY[:, :, None],
        np.dstack([GREY] * 3),
        np.asfortranarray(np.dstack([GREY] * 3)),
        GREY.astype(np.uint16) * 257,
        (GREY.astype(np.uint16) * 257).astype(">u2"),
        GREY / 255,
        (GREY / 255).astype(">f4"),
        (GREY / 255).astype(np.float16),
        np.repeat(np.repeat(GREY, 2, 0), 2, 1)[::2, ::2],
        np.ascontiguousarray(GREY[::-1, ::-1])[::-1, ::-1],
        np.ma.masked_array(GREY),
    ],
)
def test_arrays(array: np.ndarray) -> None:
    """Every pixel type and layout, and none is written to."""
    array.setflags(write=False)
    assert off(read_image(array, LIMIT)) < 0.3


def test_bool_array() -> None:
    """True is white."""
    assert off(read_image(GREY > 128, LIMIT), np.where(GREY > 128, 255, 0)) == 0


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((0, 5), np.uint8), "has no pixels"),
        (np.zeros((5, 0, 3), np.uint8), "has no pixels"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.array(5, np.uint8), r"shape \(\)"),
        (np.zeros((5, 5, 2), np.uint8), r"shape \(5, 5, 2\)"),
        (np.zeros((3, 5, 5), np.uint8), r"shape \(3, 5, 5\)"),
        (np.zeros((1, 5, 5, 3), np.uint8), "shape"),
        (np.zeros((5, 5), np.int64), "int64"),
        (np.zeros((5, 5), complex), "complex128"),
        (np.zeros((5, 5), object), "object"),
        (np.full((5, 5), np.nan), "nan"),
        (np.full((5, 5), np.inf), "inf"),
        (np.full((5, 5), 255.0), "from 255 to 255"),
        (np.full((5, 5), -0.1), "from -0.1"),
    ],
)
def test_arrays_that_are_no_images(array: np.ndarray, says: str) -> None:
    """The message names the shape, the type or the range that is wrong."""
    with pytest.raises(ImageError, match=says):
        read_image(array, LIMIT)


@pytest.mark.parametrize("source", [None, 3, ["scan.png"], io.BytesIO()])
def test_other_types(source: object) -> None:
    """An int would be taken for a descriptor by `open`, and closed."""
    with pytest.raises(ImageTypeError, match="path, bytes"):
        read_image(source, LIMIT)  # type: ignore[arg-type]


def test_files_that_are_no_images(tmp_path: Path) -> None:
    """Each way in which a path leads to no image has its own message."""
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ImageNotFoundError, match=r"missing\.png.* is not there"):
        read_image(tmp_path / "missing.png", LIMIT)
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path, LIMIT)
    with pytest.raises(ImageError, match=r"empty\.png.* it is empty"):
        read_image(tmp_path / "empty.png", LIMIT)
    with pytest.raises(ImageError, match=r"text\.png.* no known image format"):
        read_image(tmp_path / "text.png", LIMIT)
    with pytest.raises(ImageError, match="null byte"):
        read_image("a\0b", LIMIT)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_a_file_far_larger_than_its_pixels(tmp_path: Path, kind: str) -> None:
    """Of some formats Pillow reads all that is there; up to the limit, what follows is nothing."""
    path = tmp_path / "large"
    path.write_bytes(encoded(Image.fromarray(GREY).convert("RGB"), kind))
    most = FILE_BYTES + FILE_BYTES_PER_PIXEL * LIMIT
    os.truncate(path, most)
    assert off(read_image(path, LIMIT)) < 3
    os.truncate(path, 1 << 40)
    with pytest.raises(ImageTooLargeError, match=f"limit of {most} .*max_pixels"):
        read_image(path, LIMIT)


def test_a_picture_that_was_closed() -> None:
    """A closed picture is refused like a damaged file."""
    closed = Image.new("L", (5, 5))
    closed.close()
    with pytest.raises(ImageError, match="closed"):
        read_image(closed, LIMIT)


def test_errors_carry_nothing_of_pillow() -> None:
    """A context would keep Pillow's frames, and with them the pixels."""
    data = encoded(Image.fromarray(GREY))
    with pytest.raises(ImageError, match="truncated") as caught:
        read_image(data[: len(data) // 2], LIMIT)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("size", [(1001, 1000), (15_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_too_large_is_refused_before_decoding(size: tuple[int, int]) -> None:
    """The file has no pixels: decoding it first would give another error; Pillow may not warn."""
    with pytest.raises(ImageTooLargeError, match=r"limit of 1000000; .* max_pixels"):
        read_image(png_header(*size), LIMIT)
    with pytest.raises(ImageTooLargeError, match="max_pixels"):
        read_image(np.broadcast_to(np.uint8(0), size[::-1]), LIMIT)
    assert off(read_image(GREY, GREY.size)) == 0


def test_pillows_own_limit_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its warning and its error are about a limit that the user of this engine did not set."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert off(read_image(encoded(Image.fromarray(GREY)), LIMIT)) == 0
    assert Image.MAX_IMAGE_PIXELS == 10


def test_the_picture_stays_the_users(tmp_path: Path) -> None:
    """It stays open, on its frame, with its mode and size."""
    path = tmp_path / "two.gif"
    first, second = Image.fromarray(GREY).convert("RGB"), Image.new("RGB", (64, 48), (7, 7, 7))
    first.save(path, save_all=True, append_images=[second])
    with Image.open(path) as picture:
        picture.seek(1)
        before = picture.mode, picture.size
        assert off(read_image(picture, LIMIT), np.full((48, 64), 7)) == 0
        assert (picture.mode, picture.size, picture.tell()) == (*before, 1)
        picture.seek(0)
        assert off(read_image(picture, LIMIT)) < 3


@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0, max_side=5)))
def test_any_array_is_read_or_refused(array: np.ndarray) -> None:
    """No array gets another error, whatever its type and shape."""
    try:
        assert read_image(array, LIMIT).shape == (*array.shape[:2], 3)
    except ImageError as error:
        assert "give" in str(error) or "scale" in str(error)  # noqa: PT017 (either way is right)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes get another error."""
    try:
        assert read_image(data, LIMIT).ndim == 3
    except ImageError as error:
        assert "these bytes" in str(error)  # noqa: PT017


FILES = {
    kind: encoded(Image.fromarray(GREY).convert("P" if kind == "GIF" else "RGB"), kind)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
}


@given(st.sampled_from(sorted(FILES)), st.data())
def test_any_damage_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Cut anywhere, and with any byte changed."""
    whole = bytearray(FILES[kind])
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    part = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        assert read_image(part, LIMIT).ndim == 3
    except ImageError as error:
        assert "these bytes" in str(error)  # noqa: PT017


def test_no_descriptor_stays_open(tmp_path: Path, open_files: Callable[[], set[str]]) -> None:
    """Neither after reading nor while an error is kept."""
    before = open_files()
    for name, data in {"whole": FILES["PNG"], "cut": FILES["PNG"][:60], "none": b""}.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(data)
        try:
            read_image(path, LIMIT)
        except ImageError as error:
            assert open_files() == before, error  # noqa: PT017 (while it is kept)
    assert open_files() == before
