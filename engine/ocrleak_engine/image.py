"""Anything that holds an image -> one array (height, width, RGB) of bytes, as a viewer shows it.

Nothing global is touched: Pillow's own size limit is a module variable, and its warning goes
through filters that all threads share. Both are avoided by asking Pillow's formats directly.
"""

import io
import os
import stat
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from .arrays import stretch, to_rgb
from .errors import ImageError, ImageNotFoundError, ImageTooLargeError, ImageTypeError

ImageSource: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | NDArray[np.generic]
)
Rgb: TypeAlias = NDArray[np.uint8]

FILE_BYTES = 64 << 20  # whatever stands in a file beside its pixels
FILE_BYTES_PER_PIXEL = 16  # four numbers of 32 bits, which no format that is read exceeds

_POSTSCRIPT = (b"%!PS", b"\xc5\xd0\xd3\xc6")
_ORIENTATION = 0x0112  # EXIF 2.32, table 4
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(source: ImageSource, max_pixels: int) -> Rgb:
    """Return the image in `source` as bytes (height, width, RGB).

    The first frame of many is read, the EXIF orientation applied, transparency laid on white.

    Parameters
    ----------
    source
        A path, the bytes of a file, a Pillow image (its current frame), or an array: (height,
        width), (height, width, 1), RGB or RGBA; uint8, uint16, bool, or floats from 0 to 1.
    max_pixels
        Larger images are refused before they are decoded, and so are files of more than 16 bytes
        a pixel and 64 MiB.

    Raises
    ------
    ImageTypeError
        `source` is something else.
    ImageNotFoundError, ImageTooLargeError, ImageError
        There is no such file; it has too many pixels; it cannot be read.
    """
    match source:
        case np.ndarray():
            check_size(source.shape[1::-1], max_pixels, "the array")
            return to_rgb(source)
        case Image.Image():
            return _from_picture(lambda: source, max_pixels, "the image")
        case bytes() | bytearray() | memoryview():
            file = io.BytesIO(source)
            return _from_picture(lambda: _open(file), max_pixels, "the image in these bytes")
        case str() | os.PathLike():
            return _from_path(source, max_pixels)
    raise ImageTypeError(
        f"an image cannot be read from {type(source).__name__}; "
        "give a path, bytes, a PIL.Image or a numpy array"
    )


def check_size(size: tuple[int, ...], max_pixels: int, name: str) -> None:
    """Raise when an image of `size` (width, height) is empty or has more than `max_pixels`."""
    if 0 in size:
        raise ImageError(f"{name} has no pixels; give an image of at least 1 x 1")
    if len(size) > 1 and size[0] * size[1] > max_pixels:
        raise ImageTooLargeError(
            f"{name} has {size[0]} x {size[1]} pixels, more than the limit of {max_pixels}; "
            "scale it down, or raise max_pixels (on the command line: --max-pixels)"
        )


def _from_path(path: str | os.PathLike[str], max_pixels: int) -> Rgb:
    name = repr(os.fsdecode(path))
    reason, kind = "", ImageError
    try:
        _check_file(os.stat(path), max_pixels, name)  # noqa: PTH116 (bytes are a path here too)
        with open(os.fspath(path), "rb") as file:  # noqa: PTH123
            return _from_picture(lambda: _open(file), max_pixels, name)
    except ImageError:
        raise
    except FileNotFoundError:
        reason, kind = "is not there; check the path", ImageNotFoundError
    except (OSError, ValueError) as error:
        reason = f"cannot be opened: {error}"
    raise kind(f"{name} {reason}")


def _check_file(found: os.stat_result, max_pixels: int, name: str) -> None:
    """Raise when reading this file might never end, or fill the memory.

    Pillow reads files of some formats whole (WebP, AVIF), whatever their headers say.
    """
    if stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{name} is a folder; name an image file in it")
    if not stat.S_ISREG(found.st_mode):
        raise ImageError(f"{name} is a pipe or a device; save the image to a file and name that")
    most = FILE_BYTES + FILE_BYTES_PER_PIXEL * max_pixels
    if found.st_size > most:
        raise ImageTooLargeError(
            f"{name} has {found.st_size} bytes, more than the limit of {most} for {max_pixels} "
            "pixels; save it again as PNG, or raise max_pixels (on the command line: --max-pixels)"
        )


def _from_picture(make: Callable[[], Image.Image], max_pixels: int, name: str) -> Rgb:
    """Read what `make` opens; whatever Pillow raises is replaced outside of `except`.

    An error raised inside would carry Pillow's as `__context__`, and the pixels in its frames.
    """
    reason = ""
    try:
        return _without_warnings(lambda: _decode(make(), max_pixels, name))
    except ImageError:
        raise
    except Exception as error:  # noqa: BLE001 (hostile bytes make decoders raise anything)
        reason = _why(error)
    raise ImageError(f"{name} cannot be read{reason}")


def _why(error: Exception) -> str:
    """Return why an image is not read: what the system lacks, no other file will mend."""
    if isinstance(error, MemoryError):
        return ": there is not enough memory to decode it"
    if isinstance(error, OSError) and error.errno:  # Pillow's own have no number
        return f": {error.strerror}"
    return f", save it again as PNG or JPEG: {f'{error}' or type(error).__name__}"


def _without_warnings(read: Callable[[], Rgb]) -> Rgb:
    """Call `read` again without warnings when a filter makes an error of one.

    Damaged EXIF is no reason not to read an image. The filters are everybody's, in every thread:
    they are left alone until it is known that they are in the way.
    """
    with suppress(Warning):
        return read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read()


def _open(file: BinaryIO) -> Image.Image:
    """Return the picture in `file`, its header read and its pixels not yet.

    This is `Image.open` without its look at `Image.MAX_IMAGE_PIXELS`: a limit of our own needs
    neither that variable changed nor its warning caught, which only the whole process can do.
    """
    file.seek(0)
    prefix = file.read(16)
    if not prefix:
        raise ValueError("it is empty")
    if prefix.startswith(_POSTSCRIPT):
        raise ValueError("it is PostScript, a program, which Pillow would have Ghostscript run")
    Image.preinit()
    found = _first_that_opens(file, prefix, Image.ID)
    if found is None and Image.init():
        found = _first_that_opens(file, prefix, Image.ID)
    if found is None:
        raise ValueError("no known image format starts like this")
    return found


def _first_that_opens(
    file: BinaryIO, prefix: bytes, formats: list[str]
) -> ImageFile.ImageFile | None:
    for name in tuple(formats):
        make, accept = Image.OPEN[name]
        with suppress(SyntaxError, IndexError, TypeError, struct.error):  # as Image.open does
            if accept is None or accept(prefix) is True:
                file.seek(0)
                return make(file, "")
    return None


def _decode(picture: Image.Image, max_pixels: int, name: str) -> Rgb:
    check_size(picture.size, max_pixels, name)
    picture.load()
    check_size(picture.size, max_pixels, name)  # an icon's frame may differ from its header
    turned = _UPRIGHT.get(_orientation(picture))
    return _flatten(picture if turned is None else picture.transpose(turned))


def _orientation(picture: Image.Image) -> int:
    """Return how the picture is to be turned: 1 is upright, as is one with damaged EXIF."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 (the same hostile bytes)
        return 1


def _flatten(picture: Image.Image) -> Rgb:
    """Return a loaded picture of any mode as (height, width, RGB)."""
    if picture.mode.startswith("I;16"):
        return to_rgb(np.asarray(picture))
    if picture.mode in {"I", "F"}:
        return to_rgb(stretch(np.asarray(picture)))
    if picture.mode == "LAB":
        return to_rgb(np.asarray(picture.getchannel("L")))  # Pillow converts it to nothing else
    if _has_alpha(picture):
        return to_rgb(np.asarray(_with_alpha(picture)))
    return np.asarray(picture.convert("RGB"))


def _has_alpha(picture: Image.Image) -> bool:
    """Tell whether parts may be clear; Pillow's own property fails on the later frames of a GIF."""
    palette = picture.palette.mode if picture.palette else ""
    clear = {"LA", "La", "PA", "RGBA", "RGBa"}
    return picture.mode in clear or palette.endswith("A") or "transparency" in picture.info


def _with_alpha(picture: Image.Image) -> Image.Image:
    """Return the picture as RGBA; a premultiplied mode leads there only through its plain one."""
    plain = {"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode)
    return picture.convert(plain).convert("RGBA")
