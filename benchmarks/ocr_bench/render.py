"""Draws text in many looks, the same bytes every time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .texts import TEXTS

Colour: TypeAlias = tuple[int, int, int]
Font: TypeAlias = ImageFont.FreeTypeFont

COPIES = 3  # images of each look, in other fonts and with other texts


@dataclass(frozen=True)
class Look:
    """How an image is drawn and spoiled."""

    name: str
    size: int  # px of the font
    ink: Colour = (20, 20, 20)
    paper: Colour = (255, 255, 255)
    shade: int = 0  # how much darker the paper gets from left to right
    angles: tuple[float, ...] = (0,)  # degrees counter-clockwise, one for each copy in turn
    columns: int = 1
    lines: int | None = None  # of the text; None is all
    blur: float = 0  # px, radius
    noise: float = 0  # standard deviation, of 255
    jpeg: int | None = None  # quality


LOOKS = (
    Look("14 px", 14),
    Look("18 px", 18),
    Look("24 px", 24),
    Look("32 px", 32),
    Look("48 px", 48),
    Look("skewed 2 to 3 degrees", 22, angles=(2, -2, 3)),
    Look("skewed 5 degrees", 24, angles=(5, -5, 5)),
    Look("one line turned by 90 degrees", 30, angles=(90, 270, 90), lines=1),
    Look("noise 15", 22, noise=15),
    Look("noise 35", 30, noise=35),
    Look("low contrast", 22, ink=(165, 165, 165), paper=(200, 200, 200)),
    Look("light on dark", 20, ink=(235, 235, 225), paper=(28, 34, 48)),
    Look("JPEG quality 15", 20, jpeg=15),
    Look("coloured paper, shaded", 24, ink=(60, 20, 90), paper=(245, 225, 160), shade=70),
    Look("two columns", 20, columns=2),
    Look("blurred", 26, blur=1.5),
    Look("red on green, noise 10", 26, ink=(150, 20, 20), paper=(190, 220, 190), noise=10),
)


@dataclass(frozen=True)
class Drawing:
    """A picture to be saved, and what it says."""

    name: str
    look: Look
    picture: Image.Image
    truth: str

    def save(self, folder: Path) -> Path:
        """Write the picture, as JPEG when its look asks for that, and return its path."""
        path = folder / f"{self.name}.{'jpg' if self.look.jpeg else 'png'}"
        options = {"quality": self.look.jpeg} if self.look.jpeg else {}
        self.picture.save(path, None, **options)
        return path


def drawings(fonts: Sequence[Path], copies: int = COPIES) -> Iterator[Drawing]:
    """Yield every look `copies` times, going round fonts and texts so that all of them meet."""
    for number in range(len(LOOKS) * copies):
        look, copy = LOOKS[number // copies], number % copies
        font = ImageFont.truetype(fonts[number % len(fonts)], look.size)
        picked = [TEXTS[(number + column) % len(TEXTS)] for column in range(look.columns)]
        texts = [text[: look.lines] for text in picked]
        truth = "\n".join(line for text in texts for line in text)
        yield Drawing(f"{number:02}", look, draw(texts, look, font, copy, seed=number), truth)


def draw(
    texts: Sequence[Sequence[str]], look: Look, font: Font, copy: int, seed: int
) -> Image.Image:
    """Return the picture of `texts`, one a column, drawn and spoiled as the look says."""
    picture = _type(texts, look, font)
    angle = look.angles[copy % len(look.angles)]
    turned = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=look.paper)
    blurred = turned.filter(ImageFilter.GaussianBlur(look.blur)) if look.blur else turned
    return Image.fromarray(_spoil(np.asarray(blurred), look, np.random.default_rng(seed)))


def _type(texts: Sequence[Sequence[str]], look: Look, font: Font) -> Image.Image:
    margin, leading = 2 * look.size, round(1.45 * look.size)
    widths = [max(round(font.getlength(line)) for line in text) for text in texts]
    size = (sum(widths) + margin * (len(texts) + 1), leading * max(map(len, texts)) + 2 * margin)
    picture = Image.new("RGB", size, look.paper)
    pen, left = ImageDraw.Draw(picture), margin
    for text, width in zip(texts, widths, strict=True):
        for row, line in enumerate(text):
            pen.text((left, margin + row * leading), line, look.ink, font)
        left += width + margin
    return picture


def _spoil(pixels: NDArray[np.uint8], look: Look, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Shade the picture (height, width, RGB) from left to right and add noise."""
    shade = np.linspace(0, look.shade, pixels.shape[1])[:, None]
    noise = chance.normal(0, look.noise, pixels.shape) if look.noise else 0
    return np.clip(pixels - shade + noise, 0, 255).round().astype(np.uint8)
