"""What was read: plain frozen values that hold nothing native and may outlive the engine."""

from dataclasses import dataclass
from typing import TypeAlias

Corner: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and where it stands.

    Attributes
    ----------
    text : str
        Never empty.
    confidence : float
        Mean probability of its characters, 0 to 1.
    box : tuple of four (x, y)
        Corners in pixels of the image as it is seen (after its EXIF rotation), clockwise from the
        top left of the *text*: a line that runs upwards starts at the bottom left of the page.
    """

    text: str
    confidence: float
    box: tuple[Corner, Corner, Corner, Corner]


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of one image in reading order."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The whole text, lines joined by newlines."""
        return "\n".join(line.text for line in self.lines)
