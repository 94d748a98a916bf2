"""A model loaded by onnxruntime: the one place where native memory is taken and given back.

Nothing of onnxruntime leaves this module: shapes and metadata are copied into plain values, outputs
are reduced before they are handed out, and its errors are replaced. Any of these objects, kept by a
caller, would keep the whole native session alive while its Python object is already gone.
"""

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError, ProviderError

# Since 1.29 the import starts two threads that upload usage data to Microsoft; they are never given
# back, and a forked child hangs at exit on a lock of theirs. Only this, set before, stops it:
# https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md. Set it to 0 to have them.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

Provider: TypeAlias = str | tuple[str, Mapping[str, Any]]
Result = TypeVar("Result")
LARGEST = 2 << 30  # bytes: neither of the two formats, protobuf and flatbuffers, goes further

# What onnxruntime raises: its own classes derive from Exception, its bindings raise the built-in.
_FAILURES: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    TypeError,
    *(
        found
        for found in vars(native).values()
        if isinstance(found, type) and issubclass(found, Exception)
    ),
)


class Session:
    """One loaded model with one input and one output, both of 32-bit floats.

    Parameters
    ----------
    path : Path
        The model's file; it is neither mapped nor held open afterwards.
    providers : sequence of str or (str, options)
        Execution providers, preferred first; the CPU always follows as the last one.
    threads : int
        Threads that one run may use; 1 makes no pool, so that no thread has to end in `close`.

    Attributes
    ----------
    path : Path
        As given.
    input_shape, output_shape : tuple of int or None
        None stands for a dimension that is free.
    metadata : dict of str to str
        What the model's author stored in it.

    Raises
    ------
    ModelError
        The file is no model, or not one with a single float input and output.
    ProviderError
        A provider is not in this onnxruntime, or cannot start on this machine.
    """

    def __init__(self, path: Path, providers: Sequence[Provider], threads: int) -> None:
        self.path = path
        check_providers(providers)
        self._native = _load(path, providers, threads)
        try:
            self._describe()
            self._check_started(providers)
        except BaseException:
            self.close()
            raise

    def run(
        self, tensor: NDArray[np.float32], reduce: Callable[[NDArray[np.float32]], Result]
    ) -> Result:
        """Run the model on `tensor` and return what `reduce` makes of its output.

        The output's memory belongs to onnxruntime: even a view of three numbers would keep it, so
        `reduce` must return copies.

        Raises
        ------
        ModelError
            The model refuses this input, or fails on it.
        """
        reason = ""
        try:
            return reduce(self._native.run([self._output], {self._input: tensor})[0])
        except _FAILURES as error:
            reason = _first_line(error)
        raise ModelError(f"{self.path} cannot run on an input of shape {tensor.shape}: {reason}")

    def close(self) -> None:
        """Give the native session back; calling it again is allowed.

        The Python object of onnxruntime is emptied, not only dropped: the frames of a kept
        exception may still hold it.
        """
        holder = vars(self._native) if self._native is not None else {}
        holder.clear()
        self._native = None

    def abandon(self) -> None:
        """Forget the native session without destroying it, in a forked child.

        Its pool's threads do not exist there and its locks may be held by threads that do not
        either: destroying it would wait for ever. It stays in the pages shared with the parent.
        """
        if self._native is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._native))
        self._native = None

    def _describe(self) -> None:
        inputs, outputs = self._native.get_inputs(), self._native.get_outputs()
        types = [node.type for node in (*inputs, *outputs)]
        if types != ["tensor(float)"] * 2 or len(inputs) != 1:
            raise ModelError(
                f"{self.path} has {len(inputs)} inputs and {len(outputs)} outputs of the types "
                f"{', '.join(types)}; a model with one float input and one float output is needed"
            )
        self._input, self._output = inputs[0].name, outputs[0].name
        self.input_shape = _plain_shape(inputs[0].shape)
        self.output_shape = _plain_shape(outputs[0].shape)
        self.metadata = dict(self._native.get_modelmeta().custom_metadata_map)

    def _check_started(self, providers: Sequence[Provider]) -> None:
        """Refuse the silent fall back to the CPU when a provider's libraries do not load."""
        started = self._native.get_providers()
        missing = [name for name in map(_provider_name, providers) if name not in started]
        if missing:
            raise ProviderError(
                f"{missing[0]} is in this onnxruntime but cannot start here, only "
                f"{', '.join(started)} can; install the driver and the libraries that it needs"
            )


def check_providers(providers: Sequence[Provider]) -> None:
    """Raise `ProviderError` when this onnxruntime lacks one of `providers`, saying what it has."""
    available = onnxruntime.get_available_providers()
    for name in map(_provider_name, providers):
        if name not in available:
            raise ProviderError(
                f"{name} is not in this onnxruntime; name one that is ({', '.join(available)})"
                f"{_advice(name, _installed())}"
            )


def _advice(provider: str, installed: set[str]) -> str:
    """Return how to mend a missing CUDA, or nothing.

    Both distributions install the same module folder, and the last one wins: onnxruntime #26996.
    """
    if provider not in {"CUDAExecutionProvider", "TensorrtExecutionProvider"}:
        return ""
    if {"onnxruntime", "onnxruntime-gpu"} <= installed:
        return (
            "; onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
            "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
        )
    return "; install onnxruntime-gpu in place of onnxruntime"


def _installed() -> set[str]:
    """Return which of the two distributions of onnxruntime are installed."""
    names = ("onnxruntime", "onnxruntime-gpu")
    return {name for name in names if any(metadata.distributions(name=name))}


def _load(path: Path, providers: Sequence[Provider], threads: int) -> Any:
    """Return onnxruntime's session; its errors are replaced outside of `except`.

    An exception raised inside it would carry onnxruntime's as `__context__`, and with its frames
    the half-made session.
    """
    _check_size(path)
    reason = ""
    try:
        return onnxruntime.InferenceSession(
            str(path), _options(threads), providers=list(providers), enable_fallback=0
        )
    except _FAILURES as error:
        reason = _first_line(error)
    raise ModelError(f"{path} cannot be loaded{_why(path, reason)}")


def _check_size(path: Path) -> None:
    """Raise where a file is larger than any model: onnxruntime takes memory for a whole .ort."""
    size = path.stat().st_size if path.is_file() else 0
    if size > LARGEST:
        raise ModelError(
            f"{path} has {size} bytes, and no model file can have more than {LARGEST}; "
            "copy the model there again"
        )


def _why(path: Path, reason: str) -> str:
    """Return why a model is not loaded: only a file that can be read may be a damaged one."""
    if "bad_alloc" in reason:
        return ": there is not enough memory"
    try:
        path.open("rb").close()
    except OSError as error:
        return f": {error.strerror}"
    return f" as a model, copy it there again: {reason}"


def _options(threads: int) -> Any:
    """Return options that keep memory flat over inputs of varying size.

    With the arena and the memory pattern, an engine that sees varying widths grows from 20 MB to
    158 MB. Every failure is raised, so that only fatal messages need to reach stderr.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    return options


def _plain_shape(shape: Sequence[object]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape)


def _provider_name(provider: Provider) -> str:
    return provider if isinstance(provider, str) else provider[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
