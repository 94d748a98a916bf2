"""Every error the engine raises on purpose, so that callers catch by meaning and not by text.

Each message is one sentence saying what is wrong, where, and what to do about it. Each class is
also the built-in error that Python users would expect, so that existing handlers keep working.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .prune import Pruned


class EngineError(Exception):
    """Base of every error that the engine raises on purpose."""


class EngineFreedError(EngineError, RuntimeError):
    """The engine was used after `free_resources()`; make a new one."""


class ImageError(EngineError, ValueError):
    """An image that cannot be read: unknown format, truncated, empty, or of the wrong shape."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """No file stands at the image's path."""


class ImageTooLargeError(ImageError):
    """An image has more pixels than the limit; the message names the way to raise it."""


class ModelError(EngineError):
    """A model file that cannot be used: truncated, not a model, or not of the expected kind."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A named model, or the folder that should hold it, is not there."""


class ModelNameError(ModelError, ValueError):
    """A model name that leads outside the model folder, or is no model file's name."""


class ProviderError(EngineError, ValueError):
    """An execution provider that this onnxruntime does not have."""


class PruneError(ModelError):
    """Some models could not be pruned: each is whole where it was, and the others were pruned.

    Attributes
    ----------
    done
        What was pruned all the same: `ocrleak_engine.prune.Pruned` values.
    failed
        Reason by model name.
    """

    def __init__(self, message: str, done: "tuple[Pruned, ...]", failed: dict[str, str]) -> None:
        super().__init__(message)
        self.done = done
        self.failed = failed


class ImageTypeError(ImageError, TypeError):
    """An image given as something that no image can be read from."""
