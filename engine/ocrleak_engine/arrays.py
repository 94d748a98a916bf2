"""Arrays of any pixel type -> bytes of red, green and blue. Pure numbers, no files, no Pillow."""

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

AnyArray = NDArray[np.generic]
Bytes = NDArray[np.uint8]

_SHAPES = "(height, width), or (height, width, channels) with 1, 3 (RGB) or 4 (RGBA) channels"
_TYPES = "uint8, uint16, bool, or floats from 0 to 1"


def to_rgb(array: AnyArray) -> Bytes:
    """Return an array of grey, RGB or RGBA pixels as bytes (height, width, 3), clear ones white.

    The result may be a view of `array`, which is never written to.

    Raises
    ------
    ImageError
        The shape or the type is none that pixels have, or a float is not from 0 to 1.
    """
    plain = np.asarray(array)
    if plain.ndim not in (2, 3) or (plain.ndim == 3 and plain.shape[2] not in (1, 3, 4)):  # noqa: PLR2004
        raise ImageError(f"an array of shape {plain.shape} is no image; give {_SHAPES}")
    pixels = to_bytes(plain)
    if pixels.ndim == 2:  # noqa: PLR2004
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 4:  # noqa: PLR2004
        return on_white(pixels[:, :, :3], pixels[:, :, 3:])
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def to_bytes(array: AnyArray) -> Bytes:
    """Return the pixels of `array`, of any shape, with the type's whole range laid on 0 to 255.

    Raises
    ------
    ImageError
        The type is none that pixels have, or a float is not from 0 to 1.
    """
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.newbyteorder("=") == np.uint16:
        return (array.astype(np.uint16) >> 8).astype(np.uint8)
    if array.dtype.kind == "f":
        return _unit_to_bytes(array)
    raise ImageError(f"an array of {array.dtype} is no image; give {_TYPES}")


def _unit_to_bytes(values: AnyArray) -> Bytes:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # false for NaN too
        raise ImageError(
            f"an array of floats from {low:g} to {high:g} is no image; "
            "scale it to 0 to 1 and put numbers in place of NaN"
        )
    scaled: Bytes = np.rint(values.astype(np.float32) * np.float32(255)).astype(np.uint8)
    return scaled


def stretch(values: AnyArray) -> Bytes:
    """Return numbers without a stated range as bytes: on the narrowest usual range that holds them.

    The usual ranges are 0 to 1, 0 to 255 and 0 to 65535; other numbers are stretched from their
    least to their greatest. Those that are not finite count as 0.
    """
    finite = np.nan_to_num(values.astype(np.float64), nan=0, posinf=0, neginf=0)
    low, high = float(finite.min()), float(finite.max())
    usual = [top for top in (1, 255, 65535) if high <= top]
    bottom, top = (0.0, usual[0]) if low >= 0 and usual else (low, max(high, low + 1))
    return np.rint((finite - bottom) * (255 / (top - bottom))).astype(np.uint8)


def on_white(colours: Bytes, opacity: Bytes) -> Bytes:
    """Return colours (height, width, 3) on white, by an opacity (height, width, 1)."""
    solid = opacity.astype(np.uint16)
    mixed = colours * solid + np.uint16(255) * (np.uint16(255) - solid)
    return ((mixed + np.uint16(127)) // np.uint16(255)).astype(np.uint8)
