"""Real models of a few hundred bytes, for tests that load an engine a thousand times.

The detector finds what is dark; the recognizer reads green as "H" and red as "i". They are written
as protobuf by hand (field numbers: onnx.proto3), so that no package is needed to make them.
"""

import hashlib
from pathlib import Path

from ocrleak_engine.models import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER
from PIL import Image, ImageDraw

CHARACTERS = "ppocrv6_tiny_rec.txt"
TEXT = "Hi"
Dims = tuple[str | int, ...]


def picture() -> Image.Image:
    """Return a page that the tiny models read as `TEXT`."""
    page = Image.new("RGB", (320, 320), "white")
    pen = ImageDraw.Draw(page)
    pen.rectangle((40, 20, 160, 44), fill=(0, 160, 0))
    pen.rectangle((160, 20, 280, 44), fill=(160, 0, 0))
    return page


def files() -> dict[str, bytes]:
    """Return what a folder of the tiny models holds, in the order in which it is copied."""
    detecting = node("ReduceMean", "x", "m", axes=(1,)) + node("Neg", "m", "n")
    reading = node("ReduceMean", "x", "m", axes=(2,), keepdims=0)
    reading += node("Add", "m", "m", "m2") + node("Add", "m2", "m2", "m4")
    reading += node("Add", "m4", "m4", "m8") + node("Add", "m8", "m8", "s")  # for a sure softmax
    reading += node("Transpose", "s", "t", perm=(0, 2, 1)) + node("Softmax", "t", "y", axis=2)
    return {
        CHARACTERS: b"H\ni\n",
        DEFAULT_DETECTOR: model(
            detecting + node("Sigmoid", "n", "y"), ("n", 3, "h", "w"), ("n", 1, "h", "w")
        ),
        DEFAULT_RECOGNIZER: model(reading, ("n", 3, 48, "w"), ("n", "w", 3)),
    }


def one_width_recognizer(width: int) -> bytes:
    """Return a recognizer that loads, and that fails in its run on strips of any other width."""
    reading = node("ReduceMean", "x", "m", axes=(2,), keepdims=0) + node("Add", "m", "c", "s")
    reading += node("Transpose", "s", "t", perm=(0, 2, 1)) + node("Softmax", "t", "y", axis=2)
    zeros = number(1, 1) + number(1, width) + number(2, 1) + field(8, b"c")
    constant = field(5, zeros + field(9, bytes(4 * width)))
    return model(reading + constant, ("n", 3, 48, "w"), ("n", "w", 3))


def put(folder: Path) -> Path:
    """Fill a folder with the tiny models and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)
    return folder


def package(folder: Path) -> Path:
    """Fill a folder as the engine's own `models` folder is, with the tiny models in it."""
    put(folder)
    entries = (
        f'[[file]]\nname = "{name}"\nsize = {len(content)}\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        for name, content in files().items()
    )
    (folder / "MODELS.toml").write_text("".join(entries))
    return folder


def model(graph: bytes, inputs: Dims, outputs: Dims) -> bytes:
    """Return a model of these nodes from an input "x" to an output "y"."""
    ends = field(11, value("x", inputs)) + field(12, value("y", outputs))
    opset = field(8, field(1, b"") + number(2, 13))
    return number(1, 8) + field(7, graph + field(2, b"tiny") + ends) + opset


def node(kind: str, *names: str, **attributes: int | tuple[int, ...]) -> bytes:
    """Return one node of a graph; the last of its `names` is its output."""
    *inputs, output = (name.encode() for name in names)
    body = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind.encode())
    return field(1, body + b"".join(field(5, attribute(*each)) for each in attributes.items()))


def attribute(name: str, given: int | tuple[int, ...]) -> bytes:
    """Return an attribute: one whole number, or several."""
    if isinstance(given, int):
        return field(1, name.encode()) + number(3, given) + number(20, 2)
    numbers = b"".join(number(8, each) for each in given)
    return field(1, name.encode()) + numbers + number(20, 7)


def value(name: str, dims: Dims) -> bytes:
    """Return the type of an input or output: floats, of these dimensions."""
    shape = b"".join(
        field(1, number(1, dim) if isinstance(dim, int) else field(2, dim.encode())) for dim in dims
    )
    return field(1, name.encode()) + field(2, field(1, number(1, 1) + field(2, shape)))


def field(tag: int, content: bytes) -> bytes:
    """Return a protobuf field of bytes."""
    return varint(tag << 3 | 2) + varint(len(content)) + content


def number(tag: int, amount: int) -> bytes:
    """Return a protobuf field of a whole number."""
    return varint(tag << 3) + varint(amount)


def varint(amount: int) -> bytes:
    """Return a whole number, seven bits a byte."""
    low, rest = amount & 127, amount >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])
