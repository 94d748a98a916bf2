"""The engine as its users see it: real models, real pages."""

import itertools
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ocrleak_engine import EngineFreedError, ImageError, ModelError, ModelNameError, OcrEngine
from PIL import Image

LINES = ("Invoice number 2024-117", "Total amount due: 1,249.50 EUR", "Thank you for your order!")
REC = "ppocrv6_tiny_rec"


def with_characters(model: bytes, characters: list[str]) -> bytes:
    """Return a model with "character" in its metadata: a field appended to a protobuf is read."""

    def field(number: int, value: bytes) -> bytes:
        length, size = b"", len(value)
        while size > 127:
            length, size = length + struct.pack("B", size & 127 | 128), size >> 7
        return struct.pack("B", number << 3 | 2) + length + struct.pack("B", size) + value

    entry = field(1, b"character") + field(2, "\n".join(characters).encode())
    return model + field(14, entry)


def test_text_and_boxes(reader: OcrEngine, draw: Callable[..., Image.Image]) -> None:
    """Words keep their spaces, lines their order, boxes stand around the ink."""
    image = draw(*LINES)
    page = reader.recognize(image)
    assert page.text == "\n".join(LINES)
    assert tuple(line.text for line in page.lines) == LINES
    rows, columns = np.nonzero(np.asarray(image.convert("L")) < 128)
    for index, line in enumerate(page.lines):
        assert 0.9 < line.confidence <= 1
        (left, top), _, (right, bottom), _ = line.box
        ink = (rows > 64 * index + 10) & (rows < 64 * index + 74)
        assert left == pytest.approx(columns[ink].min(), abs=15)
        assert right == pytest.approx(columns[ink].max(), abs=15)
        assert top <= rows[ink].min() + 3
        assert bottom >= rows[ink].max() - 3


def test_boxes_are_in_the_picture_as_it_is_seen(
    reader: OcrEngine, draw: Callable[..., Image.Image], tmp_path: Path
) -> None:
    """A photo stored sideways, with the EXIF that says so, has the boxes of the upright one."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = draw(*LINES)
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "side.png", exif=exif)
    assert reader.recognize(tmp_path / "side.png") == reader.recognize(upright)


def test_a_dense_scan(reader: OcrEngine, draw: Callable[..., Image.Image]) -> None:
    """Letters of 8 points at 300 dpi shrink by three for the detector, not for the recognizer."""
    cycle = itertools.cycle(("the quick brown", "fox jumps", "over 13 lazy dogs", "while waiting"))
    text = [" ".join(itertools.islice(cycle, 5)) for _ in range(12)]
    page = reader.recognize(draw(*text, size=33, width=2480))
    assert page.text == "\n".join(text)


@pytest.mark.parametrize("shape", [(1, 1), (2000, 3), (3, 2000), (20, 5000), (5000, 20)])
@pytest.mark.parametrize("value", [0, 255])
def test_extremes(reader: OcrEngine, shape: tuple[int, int], value: int) -> None:
    """White, black, thin and tiny images are pages without text."""
    page = reader.recognize(np.full(shape, value, np.uint8))
    assert (page.text, page.lines) == ("", ())


def test_a_tall_screenshot(reader: OcrEngine, draw: Callable[..., Image.Image]) -> None:
    """Lines at every height come once each, also where two bands meet."""
    lines = [f"message number {row} of the day" for row in range(10, 70)]
    text = reader.recognize(draw(*lines, size=20, width=500)).text
    assert text.replace(" ", "").split() == [line.replace(" ", "") for line in lines]


def test_recognize_many_is_lazy_and_in_order(
    reader: OcrEngine, draw: Callable[..., Image.Image]
) -> None:
    """An image is asked for when its page is; one that fails does not end the rest."""
    taken: list[int] = []

    def images() -> object:
        for index, image in enumerate([draw("first"), b"no image", draw("third")]):
            taken.append(index)
            yield image

    pages = reader.recognize_many(images())  # type: ignore[arg-type]
    assert taken == []
    assert next(pages).text == "first"
    assert taken == [0]
    with pytest.raises(ImageError):
        next(pages)
    assert next(pages).text == "third"
    assert list(pages) == []
    with pytest.raises(TypeError, match="use recognize"):
        reader.recognize_many("scan.png")


def test_making_one_touches_nothing(tmp_path: Path) -> None:
    """Not even the folder, until a file of it is needed."""
    engine = OcrEngine(tmp_path / "none")
    assert repr(engine) == f"<OcrEngine not loaded, models in {str(tmp_path / 'none')!r}>"
    engine.free_resources()
    assert not (tmp_path / "none").exists()


def test_the_folder(tmp_path: Path) -> None:
    """The shipped models are there when they are asked for."""
    with OcrEngine(tmp_path / "new") as engine:
        assert engine.get_local_path() == str(tmp_path / "new")
        assert (tmp_path / "new" / f"{REC}.onnx").exists()
        assert engine.list_local() == ["ppocrv6_tiny_det.onnx", f"{REC}.onnx"]


def test_a_freed_engine(picture: Image.Image) -> None:
    """Everything but `freed`, `repr` and `free_resources` says that it was freed."""
    engine = OcrEngine()
    assert not engine.freed
    engine.free_resources()
    engine.free_resources()
    assert engine.freed
    assert repr(engine).startswith("<OcrEngine freed")
    for use in (
        lambda: engine.recognize(picture),
        lambda: engine.recognize("missing.png"),
        lambda: engine.recognize_many([picture]),
        engine.list_local,
        engine.get_local_path,
        engine.__enter__,
    ):
        with pytest.raises(EngineFreedError, match="was freed; make a new one"):
            use()
    assert issubclass(EngineFreedError, RuntimeError)


def test_a_custom_recognizer(models: Path, tmp_path: Path, picture: Image.Image) -> None:
    """Its characters come from its metadata, before those of the text file beside it."""
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    characters = (models / f"{REC}.txt").read_text("utf-8").removesuffix("\n").split("\n")
    upper = ["#" if each == "H" else each for each in characters]
    model = (models / f"{REC}.onnx").read_bytes()
    (tmp_path / "own.onnx").write_bytes(with_characters(model, upper))
    (tmp_path / "own.txt").write_text("wrong\n")
    with OcrEngine(tmp_path, recognizer="own.onnx") as engine:
        assert engine.recognize(picture).text == "#ello freed world 42"


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"recognizer": "ppocrv6_tiny_det.onnx"}, ModelError, "is no text recognizer"),
        ({"detector": f"{REC}.onnx"}, ModelError, "is no text detector"),
        ({"recognizer": "none.onnx"}, ModelError, "none.onnx"),
        ({"recognizer": "../x.onnx"}, ModelNameError, "is outside the model folder"),
        ({"recognizer": "bare.onnx"}, ModelError, r"bare\.onnx has no characters.*bare\.txt"),
        ({"recognizer": "few.onnx"}, ModelError, "6906 classes, but its 3 characters"),
    ],
)
def test_models_that_do_not_fit(  # noqa: PLR0913, PLR0917 (fixtures and parameters)
    models: Path, tmp_path: Path, picture: Image.Image, options: dict, kind: type, says: str
) -> None:
    """The message names the file; the engine holds nothing, and works once it is mended."""
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    for name in ("bare", "few"):
        shutil.copy(models / f"{REC}.onnx", tmp_path / f"{name}.onnx")
    (tmp_path / "few.txt").write_text("a\nb\nc\n")
    with OcrEngine(tmp_path, **options) as engine:
        for _ in range(2):
            with pytest.raises(kind, match=says):
                engine.recognize(picture)
            assert engine._stages is None


def test_a_failed_load_may_be_tried_again(
    models: Path, tmp_path: Path, picture: Image.Image
) -> None:
    """The file is put right, and the same engine reads."""
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    (tmp_path / f"{REC}.onnx").write_bytes(b"")
    with OcrEngine(tmp_path) as engine:
        with pytest.raises(ModelError):
            engine.recognize(picture)
        shutil.copy(models / f"{REC}.onnx", tmp_path / f"{REC}.onnx")
        assert engine.recognize(picture).text == "Hello freed world 42"


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": -1}, {"max_pixels": 0}])
def test_senseless_options(options: dict[str, int]) -> None:
    """They are refused at once, and the half-made engine is finalized in silence."""
    with pytest.raises(ValueError, match="must be 1 or more"):
        OcrEngine(**options)


def test_max_pixels(picture: Image.Image) -> None:
    """The engine's own limit counts, and the message names it."""
    with OcrEngine(max_pixels=1000) as engine, pytest.raises(ImageError, match="max_pixels"):
        engine.recognize(picture)
