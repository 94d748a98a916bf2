"""What the text says: boxes of an image go in, lines of text come out.

The recognizer reads a strip of fixed height column by column, and CTC (Graves et al., 2006) makes a
text of the columns: repeated characters are one, and blanks part them.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import ModelError
from .page import Line
from .session import Session

DEFAULT_HEIGHT = 48  # px
WIDEST = 4096  # px: a longer strip is squeezed, which bounds the memory of one run
BATCH_AREA = 8 * 640  # px of width, summed over the strips of one run
BATCH_SPREAD = 1.25  # widest to narrowest strip of a batch: what is padded is computed for nothing
TALL = 1.5  # height to width from which a box may hold a line turned by a quarter
SURE = 0.9  # confidence from which a line need not be tried another way round
KEEP = 0.5  # confidence under which a line is a guess at something that is no text

Boxes = NDArray[np.float64]
Strip = NDArray[np.uint8]


class Recognizer:
    """The recognition stage: a session and the characters that its classes stand for.

    Parameters
    ----------
    session : Session
        Its model maps (n, 3, height, width) to (n, columns, classes).
    characters : list of str or None
        Used when the model's metadata has none under "character", where PaddleOCR and RapidOCR
        store them, one a line.

    Raises
    ------
    ModelError
        The model is of another kind, or its classes are not as many as its characters ask for.
    """

    def __init__(self, session: Session, characters: list[str] | None) -> None:
        inputs, outputs = session.input_shape, session.output_shape
        if len(inputs) != 4 or inputs[1] != 3 or len(outputs) != 3:  # noqa: PLR2004
            raise ModelError(
                f"{session.path} is no text recognizer: it maps {inputs} to {outputs} and not "
                "(n, 3, height, width) to (n, columns, classes); name another file as recognizer"
            )
        self._session = session
        self._height = inputs[2] or DEFAULT_HEIGHT
        self._labels = _labels(session, characters)

    def read(self, image: NDArray[np.uint8], boxes: Boxes) -> list[Line]:
        """Return the lines in the boxes (n, 4, 2) of `image` (height, width, RGB), in their order.

        A box that reads badly is tried the other way up, and a tall one as a line turned by a
        quarter; the surest reading counts. Boxes without text are left out.
        """
        picture = Image.fromarray(image)
        best = self._lines(picture, boxes)
        for turn in (2, 1, 3):
            again = [i for i, line in enumerate(best) if _worth_turning(boxes[i], line, turn)]
            turned = self._lines(picture, np.roll(boxes[again], turn, axis=1))
            for index, line in zip(again, turned, strict=True):
                best[index] = max(best[index], line, key=lambda each: each.confidence)
        return [line for line in best if line.text and line.confidence >= KEEP]

    def _lines(self, picture: Image.Image, boxes: Boxes) -> list[Line]:
        strips = [cut(picture, box, self._height) for box in boxes]
        lines: list[Line | None] = [None] * len(strips)
        for batch in batches([strip.shape[1] for strip in strips]):
            best, sure = self._session.run(pack([strips[i] for i in batch]), _best_classes)
            for index, classes, certainty in zip(batch, best, sure, strict=True):
                lines[index] = self._line(classes, certainty, boxes[index])
        return [line for line in lines if line is not None]

    def _line(self, classes: NDArray[np.intp], sure: NDArray[np.float32], box: Boxes) -> Line:
        text, confidence = decode(classes, sure, self._labels)
        a, b, c, d = ((float(x), float(y)) for x, y in box)
        return Line(text, confidence, (a, b, c, d))


def _labels(session: Session, characters: list[str] | None) -> list[str]:
    """Return what each class stands for: the blank, the characters, a space if one is left."""
    if "character" in session.metadata:
        characters = session.metadata["character"].removesuffix("\n").split("\n")
    if characters is None:
        raise ModelError(
            f'{session.path} has no characters: store them in its metadata under "character", or '
            f"in {session.path.with_suffix('.txt').name} beside it, one a line"
        )
    labels = ["", *characters, " "]
    classes = session.output_shape[2] or len(labels)
    if classes not in (len(labels) - 1, len(labels)):
        raise ModelError(
            f"{session.path} has {classes} classes, but its {len(characters)} characters ask for "
            f"{len(labels) - 1} or {len(labels)}; give it the characters that it was trained with"
        )
    return labels[:classes]


def _best_classes(
    output: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Reduce probabilities (n, columns, classes) to the best class of each column and its own."""
    return output.argmax(axis=2), output.max(axis=2)


def _worth_turning(box: Boxes, line: Line, turn: int) -> bool:
    """Tell whether a line may read better with its box's corners moved on by `turn`."""
    across, down = np.hypot(*(box[1] - box[0])), np.hypot(*(box[3] - box[0]))
    tall = bool(down > TALL * across)
    return line.confidence < SURE and tall == (turn != 2)  # noqa: PLR2004 (a half turn)


def cut(picture: Image.Image, box: Boxes, height: int) -> Strip:
    """Return the strip (height, width, RGB) of `picture` under a box (4, 2), laid upright."""
    width_there, height_there = np.hypot(*(box[1] - box[0])), np.hypot(*(box[3] - box[0]))
    width = max(height // 4, round(height * width_there / max(height_there, 1)))
    size = (min(width, WIDEST), height)
    if _is_level(box):
        (left, top), _, (right, bottom), _ = box.tolist()
        strip = picture.resize(size, Image.Resampling.BILINEAR, (left, top, right, bottom))
        return np.asarray(strip)
    there = (max(1, round(width_there)), max(1, round(height_there)))
    corners = tuple(box[[0, 3, 2, 1]].ravel())
    flat = picture.transform(there, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    return np.asarray(flat.resize(size, Image.Resampling.BILINEAR))


def _is_level(box: Boxes) -> bool:
    """Tell whether the box stands upright to within a pixel, and has an area to cut."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = box.tolist()
    slant = max(abs(ay - by), abs(cy - dy), abs(ax - dx), abs(bx - cx))
    return bool(slant < 1 and cx - ax >= 1 and cy - ay >= 1)


def batches(widths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the indices of strips to read in one run, of similar width and bounded in all."""
    batch: list[int] = []
    for index in sorted(range(len(widths)), key=widths.__getitem__):
        width = widths[index]
        full = width * (len(batch) + 1) > BATCH_AREA
        if batch and (full or width > BATCH_SPREAD * widths[batch[0]]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pack(strips: Sequence[Strip]) -> NDArray[np.float32]:
    """Return strips of one height as (n, BGR, height, widest), -1 to 1, padded with 0 (grey)."""
    height, width = strips[0].shape[0], max(strip.shape[1] for strip in strips)
    packed = np.zeros((len(strips), 3, height, width), np.float32)
    for into, strip in zip(packed, strips, strict=True):
        bgr = strip[:, :, ::-1].transpose(2, 0, 1)
        into[:, :, : strip.shape[1]] = bgr / np.float32(127.5) - 1
    return packed


def decode(
    classes: NDArray[np.intp], sure: NDArray[np.float32], labels: Sequence[str]
) -> tuple[str, float]:
    """Return the text of one strip and its confidence.

    Parameters
    ----------
    classes, sure : arrays (columns,)
        The best class of each column and its probability.
    labels : sequence of str
        What each class stands for; class 0 is CTC's blank.
    """
    new = np.ones(len(classes), bool)
    new[1:] = classes[1:] != classes[:-1]
    said = new & (classes != 0)
    text = "".join(labels[index] for index in classes[said]).strip()
    return text, float(sure[said].mean()) if text else 0.0
