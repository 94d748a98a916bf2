"""Bytes that a process has on GPUs, by the same rules as the meter's."""

from pytest_ocrleak.cli.process.holdings import Gpu
from pytest_ocrleak.inventory import Amount
from pytest_ocrleak.meters import gpu, procfs


def on_devices(pid: int) -> Gpu:
    """Return a process's bytes on all devices, or why they cannot be told."""
    if procfs.LINUX and not gpu.driver_library():
        return Gpu(0, {}, "no NVIDIA driver")
    from pytest_ocrleak.meters import nvml  # noqa: PLC0415 - only where there is a driver

    try:
        reading = gpu.judge(nvml.devices(), pid, nvml.driver(), gpu.namespace())
    except nvml.NoAnswerError as error:
        return Gpu(0, {}, str(error))
    if isinstance(reading, Amount):
        return Gpu(reading.value, dict(reading.parts))
    return Gpu(0, {}, getattr(reading, "reason", "the driver does not tell"))
