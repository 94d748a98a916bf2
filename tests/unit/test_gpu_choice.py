"""Which figure of the driver may be believed, on literal answers of NVML."""

import pytest

from pytest_ocrleak.meters.gpu import Device, Row, judge, rows_believed
from pytest_ocrleak.snapshot import Amount, Unavailable

ROOT, CONTAINER, ME = "pid:[4026531836]", "pid:[4026532001]", 42


@pytest.mark.parametrize(
    ("version", "namespace", "believed"),
    [
        ("525.60.13", ROOT, True),
        ("525.60.13", CONTAINER, False),
        ("560.35.03", CONTAINER, False),
        ("565.57.01", CONTAINER, True),
        ("570.86.10", CONTAINER, True),
        ("525.60.13", "", True),
    ],
)
def test_rows_are_believed_by_driver_and_namespace(
    version: str, namespace: str, *, believed: bool
) -> None:
    """Old drivers are right where process ids are the host's."""
    assert rows_believed(version, namespace) is believed


def test_the_own_rows_of_all_devices_add_up() -> None:
    """Other processes do not count."""
    devices = (
        Device("GPU-a", 900, (Row(ME, 100), Row(7, 800))),
        Device("GPU-b", 50, (Row(ME, 50),)),
    )
    reading = judge(devices, ME, "570.86.10", CONTAINER)
    assert isinstance(reading, Amount)
    assert (reading.value, reading.parts) == (150, {"GPU-a": 100, "GPU-b": 50})


def test_a_process_without_a_context_holds_nothing() -> None:
    """No row of its own, where rows are believed, is an answer."""
    reading = judge((Device("GPU-a", 900, (Row(7, 900),)),), ME, "570.86.10", CONTAINER)
    assert isinstance(reading, Amount)
    assert reading.value == 0


def test_a_zero_that_may_be_a_lie_is_not_nothing() -> None:
    """Drivers up to 560 list a container's own process with 0 bytes."""
    reading = judge((Device("GPU-a", 900, (Row(ME, 0),)),), ME, "560.35.03", CONTAINER)
    assert isinstance(reading, Unavailable)
    assert "565.57" in reading.reason


def test_the_devices_total_stands_in_when_nobody_else_is_there() -> None:
    """Without bytes per process (WDDM, MIG) the device's figure is ours if we are alone."""
    alone = (Device("GPU-a", 900, (Row(ME, None),)),)
    reading = judge(alone, ME, "570.86.10", ROOT)
    assert isinstance(reading, Amount)
    assert (reading.value, reading.source) == (900, "NVML device total")
    crowded = (Device("GPU-a", 900, (Row(ME, None), Row(7, None))),)
    assert isinstance(judge(crowded, ME, "570.86.10", ROOT), Unavailable)
    assert isinstance(judge(alone, ME, "570.86.10", CONTAINER), Unavailable)
