"""Clean code around native libraries: numpy, onnxruntime and Pillow."""

# ruff: noqa: D103 - a scene's name says what it does
# ruff: noqa: PLC0415 - a scene imports what it needs where it is checked

from pathlib import Path
from typing import Any

from verdict_bench.scene import Run, clean, seeded

MODELS = Path(__file__).parents[2] / "engine" / "ocrleak_engine" / "models"
SHAPES = {"det": (1, 3, 64, 96), "rec": (1, 3, 48, 96)}


@clean("small", "large", "lognormal", "two sizes", "exponential", "zeros")
def numpy_random_sizes(distribution: str) -> Run:
    import numpy as np

    numbers = seeded()
    sizes: dict[str, Any] = {
        "small": lambda: numbers.randrange(1, 1000),
        "large": lambda: numbers.randrange(1, 1_000_000),
        "lognormal": lambda: int(numbers.lognormvariate(8, 2)) % 5_000_000,
        "two sizes": lambda: numbers.choice((1000, 300_000)),
        "exponential": lambda: int(numbers.expovariate(1e-5)),
        "zeros": lambda: numbers.randrange(1, 200_000),
    }
    make = np.zeros if distribution == "zeros" else np.ones
    return lambda: make(sizes[distribution]()).sum()


@clean(16, 200)
def numpy_ring_of_random_sizes(slots: int) -> Run:
    import numpy as np

    numbers = seeded()
    ring: list[Any] = [None] * slots

    def run() -> None:
        ring[numbers.randrange(slots)] = np.ones(numbers.randrange(30_000))

    return run


@clean("solve", "svd", "matmul", "fft", "fft of random sizes", "generator")
def numpy_work(kind: str) -> Run:
    import numpy as np

    numbers, generator = seeded(), np.random.default_rng(7)
    matrix = generator.random((40, 40))
    ways: dict[str, Run] = {
        "solve": lambda: np.linalg.solve(matrix, matrix[0]),
        "svd": lambda: np.linalg.svd(matrix),
        "matmul": lambda: matrix @ matrix,
        "fft": lambda: np.fft.fft(matrix),
        "fft of random sizes": lambda: np.fft.rfft(np.ones(numbers.randrange(1, 5000))),
        "generator": lambda: np.random.default_rng(1).normal(size=1000),
    }
    return ways[kind]


@clean("det", "rec")
def onnx_created_run_deleted(model: str) -> Run:
    import numpy as np
    import onnxruntime as ort

    pixels = np.zeros(SHAPES[model], np.float32)

    def run() -> None:
        session = ort.InferenceSession(MODELS / f"ppocrv6_tiny_{model}.onnx")
        session.run(None, {session.get_inputs()[0].name: pixels})

    return run


@clean("det", "rec")
def onnx_run(model: str) -> Run:
    import numpy as np
    import onnxruntime as ort

    session = ort.InferenceSession(MODELS / f"ppocrv6_tiny_{model}.onnx")
    pixels = {session.get_inputs()[0].name: np.zeros(SHAPES[model], np.float32)}
    return lambda: session.run(None, pixels)


@clean("opened", "resized", "saved", "filtered", "drawn")
def pillow(what: str) -> Run:
    from PIL import Image, ImageDraw, ImageFilter

    drawn = Image.effect_noise((200, 150), 40)
    drawn.save("noise.jpg")

    def opened() -> None:
        with Image.open("noise.jpg") as image:
            image.load()

    ways: dict[str, Run] = {
        "opened": opened,
        "resized": lambda: drawn.resize((317, 211), Image.Resampling.LANCZOS),
        "saved": lambda: drawn.save("noise.png"),
        "filtered": lambda: drawn.filter(ImageFilter.GaussianBlur(3)).convert("RGB").rotate(7),
        "drawn": lambda: ImageDraw.Draw(drawn).text((3, 3), "text"),
    }
    return ways[what]
