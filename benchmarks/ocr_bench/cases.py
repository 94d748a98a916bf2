"""The images that are read: a file, what it says, and which kind it is of."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .render import COPIES, drawings

REAL = "real"
REAL_IMAGES = Path(__file__).parents[2] / "examples" / "images"


@dataclass(frozen=True)
class Case:
    """One image to read."""

    path: Path
    truth: str
    look: str  # REAL, or how it was rendered

    @property
    def name(self) -> str:
        """The file's name for a real image, the look's otherwise."""
        return self.path.name if self.look == REAL else f"{self.look} ({self.path.stem})"


def real_cases(folder: Path = REAL_IMAGES) -> list[Case]:
    """Return the images in `folder` that have their text beside them, sorted by name."""
    texts = sorted(folder.glob("*.txt"))
    return [Case(_image_of(text), text.read_text(encoding="utf-8"), REAL) for text in texts]


def _image_of(text: Path) -> Path:
    return next(path for path in text.parent.glob(f"{text.stem}.*") if path != text)


def rendered_cases(folder: Path, fonts: Sequence[Path], copies: int = COPIES) -> list[Case]:
    """Draw the rendered images into `folder` and return them."""
    return [Case(each.save(folder), each.truth, each.look.name) for each in drawings(fonts, copies)]


def fingerprint(cases: Iterable[Case]) -> str:
    """Return the first 12 digits of a SHA-256 of all pixels and texts: equal means same task."""
    digest = hashlib.sha256()
    for case in cases:
        with Image.open(case.path) as picture:
            digest.update(picture.convert("RGB").tobytes())
        digest.update(case.truth.encode())
    return digest.hexdigest()[:12]
