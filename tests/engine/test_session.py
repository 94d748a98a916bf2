"""A session: what it refuses, and that nothing of onnxruntime leaves it."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from ocrleak_engine import ModelError, ProviderError
from ocrleak_engine.session import LARGEST, Session, _advice

CPU = ("CPUExecutionProvider",)
IMAGE = np.zeros((1, 3, 64, 64), np.float32)


@pytest.fixture
def path(models: Path) -> Path:
    """Return the detector's path."""
    return models / "ppocrv6_tiny_det.onnx"


def test_plain_values_only(path: Path) -> None:
    """Shapes and metadata are copies, free dimensions are None."""
    session = Session(path, CPU, 1)
    assert session.input_shape == (None, 3, None, None)
    assert session.output_shape == (None, 1, None, None)
    assert session.metadata == {}
    assert session.run(IMAGE, np.shape) == (1, 1, 64, 64)
    session.close()
    session.close()
    assert session._native is None


def test_close_empties_what_others_hold(path: Path) -> None:
    """A frame of a kept exception may hold onnxruntime's object: it holds nothing native then."""
    session = Session(path, CPU, 1)
    held = session._native
    assert "_sess" in vars(held)
    session.close()
    assert vars(held) == {}


@pytest.mark.parametrize("part", [0, 1, 2, -10])
def test_a_damaged_model(path: Path, tmp_path: Path, part: int) -> None:
    """Empty, cut early, cut in the middle, cut at the end: one sentence, one line, no context."""
    whole = path.read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: {0: 0, 1: 100, 2: len(whole) // 2}.get(part, part)])
    with pytest.raises(ModelError, match=r"cut\.onnx cannot be loaded .* copy it there") as caught:
        Session(cut, CPU, 1)
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_file_larger_than_any_model(tmp_path: Path) -> None:
    """Onnxruntime would take memory for a whole .ort before it looks into it."""
    (tmp_path / "large.ort").touch()
    os.truncate(tmp_path / "large.ort", LARGEST + 1)
    with pytest.raises(ModelError, match=r"large\.ort has 2147483649 bytes, .* copy"):
        Session(tmp_path / "large.ort", CPU, 1)


def test_garbage(tmp_path: Path) -> None:
    """Bytes that are no model at all."""
    (tmp_path / "noise.onnx").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(ModelError, match=r"noise\.onnx"):
        Session(tmp_path / "noise.onnx", CPU, 1)


def test_an_input_that_does_not_fit(path: Path) -> None:
    """The model refuses it; the message names the shape, and carries no frames of onnxruntime."""
    session = Session(path, CPU, 1)
    with pytest.raises(ModelError, match=r"shape \(1, 5, 64, 64\)") as caught:
        session.run(np.zeros((1, 5, 64, 64), np.float32), np.shape)
    assert caught.value.__context__ is None
    session.close()


def test_providers(path: Path) -> None:
    """An unknown one is told of with those that there are, a missing CUDA with what to install."""
    with pytest.raises(ProviderError, match=r"NoProvider is not in .*CPUExecutionProvider"):
        Session(path, ("NoProvider",), 1)
    with pytest.raises(ProviderError, match="NoProvider"):
        Session(path, (("NoProvider", {"device_id": 0}),), 1)
    assert "pip uninstall" in _advice("CUDAExecutionProvider", {"onnxruntime", "onnxruntime-gpu"})
    assert _advice("CUDAExecutionProvider", {"onnxruntime"}).endswith("in place of onnxruntime")
    assert _advice("NoProvider", {"onnxruntime"}) == ""


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="CUDA is here"
)
def test_no_cuda(path: Path) -> None:
    """It does not fall back to the CPU in silence."""
    with pytest.raises(ProviderError, match="CUDAExecutionProvider is not in this onnxruntime"):
        Session(path, ("CUDAExecutionProvider", *CPU), 1)


def test_no_telemetry() -> None:
    """The import would start two threads that stay, and that hang a forked child at its exit."""
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
