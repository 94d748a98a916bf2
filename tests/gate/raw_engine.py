"""A bare engine on onnxruntime, and what careless ones keep when they free it.

The session runs with onnxruntime's own settings, arena and all, as most engines leave it.
"""

import functools
import mmap
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime

MODEL = str(files("ocrleak_engine") / "models" / "ppocrv6_tiny_rec.onnx")
IMAGE = np.full((1, 3, 48, 320), 0.5, np.float32)


class RawEngine:
    """Load, run, free; ``keep`` puts away what an engine with a leak would keep."""

    kept: list[Any] = []  # noqa: RUF012 - shared by all engines: that is the leak

    def __init__(self, keep: Callable[["RawEngine"], Any] | None = None) -> None:
        self.keep = keep
        self.session: Any = None

    def recognize(self) -> tuple[int, ...]:
        """Run the model once and return the shape of its output."""
        if self.session is None:
            self.session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
        return tuple(self.run().shape)

    def run(self) -> Any:
        """Return the output as onnxruntime hands it out."""
        return self.session.run(None, {"x": IMAGE})[0]

    def free_resources(self) -> None:
        """Drop the session, all but what is kept."""
        if self.session is not None and self.keep is not None:
            self.kept.append(self.keep(self))
        self.session = _Freed()


class _Freed:
    def run(self, *_: object) -> Any:
        raise RuntimeError("this engine was freed")


def output_view(engine: RawEngine) -> Any:
    """Keep three numbers of an output."""
    return engine.run()[0, 0, :3]


def output_copy(engine: RawEngine) -> Any:
    """Keep a copy of three numbers of an output."""
    return engine.run()[0, 0, :3].copy()


def ort_value(engine: RawEngine) -> Any:
    """Keep an output as OrtValue."""
    value = onnxruntime.OrtValue.ortvalue_from_numpy(IMAGE)
    return engine.session.run_with_ort_values(None, {"x": value})


def io_binding(engine: RawEngine) -> Any:
    """Keep an IoBinding."""
    binding = engine.session.io_binding()
    binding.bind_cpu_input("x", IMAGE)
    binding.bind_output(engine.session.get_outputs()[0].name)
    engine.session.run_with_iobinding(binding)
    return binding


def node_arg(engine: RawEngine) -> Any:
    """Keep the description of an input."""
    return engine.session.get_inputs()[0]


def model_meta(engine: RawEngine) -> Any:
    """Keep the model's metadata."""
    return engine.session.get_modelmeta()


def native_session(engine: RawEngine) -> Any:
    """Keep the native half of the session."""
    return engine.session._sess


def bound_run(engine: RawEngine) -> Any:
    """Keep a bound method."""
    return engine.session.run


def exception(engine: RawEngine) -> Any:
    """Keep an exception; the frames of its traceback hold the session."""
    session = engine.session
    try:
        session.run(None, {"no such input": IMAGE})
    except ValueError as error:
        return error
    raise AssertionError("onnxruntime accepted an input that the model does not have")


def formatted_traceback(engine: RawEngine) -> Any:
    """Keep the text of a traceback only."""
    return "".join(traceback.format_exception(exception(engine)))


def caught_exception(engine: RawEngine) -> Any:
    """Catch an exception and keep its type."""
    return type(exception(engine))


@functools.lru_cache(maxsize=None)  # noqa: UP033 - as people write it
def _cached(session: Any) -> str:
    return str(session.get_providers())


def lru_cache(engine: RawEngine) -> Any:
    """Call a cached function with the session."""
    return _cached(engine.session)


def session_options(engine: RawEngine) -> Any:
    """Keep the session's options."""
    return engine.session.get_session_options()


def reference_cycle(engine: RawEngine) -> Any:
    """Leave the session in a cycle, which only gc undoes."""
    cycle: dict[str, Any] = {"session": engine.session}
    cycle["self"] = cycle


def open_file(_: RawEngine) -> Any:
    """Keep the model file open."""
    return open(MODEL, "rb")  # noqa: PTH123


def thread(_: RawEngine) -> Any:
    """Keep a waiting thread."""
    over = threading.Event()
    threading.Thread(target=over.wait, daemon=True).start()
    return over.set


def child(_: RawEngine) -> Any:
    """Keep a child that waits for its input to end."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def mapping(_: RawEngine) -> Any:
    """Keep the model file mapped, the descriptor closed."""
    with tempfile.TemporaryFile() as file:
        file.write(bytes(4096))
        file.flush()
        return mmap.mmap(file.fileno(), 4096)


LEAKING = {
    output_view: "heap",
    ort_value: "heap",
    io_binding: "heap",
    node_arg: "heap",
    model_meta: "heap",
    native_session: "heap",
    bound_run: "heap",
    exception: "heap",
    lru_cache: "heap",
    open_file: "fds",
    thread: "threads",
    child: "processes",
    mapping: "maps",
}
HARMLESS = (
    output_copy,
    session_options,
    reference_cycle,
    caught_exception,
    formatted_traceback,
)
