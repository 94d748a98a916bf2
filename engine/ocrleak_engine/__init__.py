"""A small OCR engine on onnxruntime whose `free_resources()` gives everything native back."""

from .engine import OcrEngine
from .errors import (
    EngineError,
    EngineFreedError,
    ImageError,
    ImageNotFoundError,
    ImageTooLargeError,
    ImageTypeError,
    ModelError,
    ModelNameError,
    ModelNotFoundError,
    ProviderError,
)
from .page import Line, Page

__all__ = [
    "EngineError",
    "EngineFreedError",
    "ImageError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "ImageTypeError",
    "Line",
    "ModelError",
    "ModelNameError",
    "ModelNotFoundError",
    "OcrEngine",
    "Page",
    "ProviderError",
]
