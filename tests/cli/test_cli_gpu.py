"""GPU memory of another process: on literal answers of the driver."""

from collections.abc import Callable

import held
import pytest

from pytest_ocrleak.cli.pages import overview
from pytest_ocrleak.cli.process import gpus
from pytest_ocrleak.cli.process.holdings import Gpu
from pytest_ocrleak.meters import gpu, nvml
from pytest_ocrleak.meters.nvml import Device, NoAnswerError, Row

Answers = Callable[..., None]
BOTH = (Device("GPU-a", (Row(7, 300 << 20), Row(8, 1 << 20))), Device("GPU-b", (Row(7, 2 << 20),)))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Return a function that has the driver give an answer."""

    def give(*devices: Device, version: str = "570.86", error: str = "") -> None:
        def asked() -> tuple[Device, ...]:
            if error:
                raise NoAnswerError(error)
            return devices

        monkeypatch.setattr(gpu, "driver_library", lambda: True)
        monkeypatch.setattr(gpu, "namespace", lambda: "pid:[4026531836]")
        monkeypatch.setattr(nvml, "driver", lambda: version)
        monkeypatch.setattr(nvml, "devices", asked)

    return give


def test_a_process_has_its_bytes_on_each_device(answers: Answers) -> None:
    """And none of the others'."""
    answers(*BOTH)
    assert gpus.on_devices(7) == Gpu(302 << 20, {"GPU-a": 300 << 20, "GPU-b": 2 << 20})
    assert gpus.on_devices(9) == Gpu(0, {})


def test_what_the_driver_does_not_tell_has_a_reason(answers: Answers) -> None:
    """No driver's answer, and a row without bytes."""
    answers(error="the NVIDIA driver shows no device")
    assert gpus.on_devices(7).reason == "the NVIDIA driver shows no device"
    answers(Device("GPU-a", (Row(7, None), Row(8, None))))
    assert "process 8 uses the device too" in gpus.on_devices(7).reason


def test_one_line_tells_it() -> None:
    """With the devices, or the reason."""
    told = overview.on_gpus(held.EMPTY._replace(gpu=Gpu(302_000_000, {"GPU-a": 302_000_000})))
    assert told == "GPU memory: 302.0 MB (GPU-a 302.0 MB)"
    assert overview.on_gpus(held.EMPTY) == "GPU memory: unavailable (no NVIDIA driver)"
