"""Which figure of the driver may be believed, on literal answers of NVML and the CUDA driver."""

import math

import pytest

from pytest_ocrleak import onepass
from pytest_ocrleak.inventory import Amount, Reading, Snapshot, Unavailable, Undecidable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS, cuda, gpu
from pytest_ocrleak.meters.gpu import NOTHING, confirmed, digits, judge, rows_believed
from pytest_ocrleak.meters.nvml import Device, Row
from pytest_ocrleak.readings import Readings, changed

ROOT, CONTAINER, ME = "pid:[4026531836]", "pid:[4026532001]", 42
UUID = "GPU-00000000-0000-0000-0000-00000000000a"
MiB = 1 << 20


def reason(reading: Reading) -> str:
    """Return why a reading says nothing about this process."""
    assert isinstance(reading, Undecidable)
    return reading.reason


@pytest.mark.parametrize(
    ("version", "namespace", "believed"),
    [
        ("525.60.13", ROOT, True),
        ("525.60.13", CONTAINER, False),
        ("535.129.03", CONTAINER, False),
        ("560.35.03", CONTAINER, False),
        ("565.56.99", CONTAINER, False),
        ("565.57.01", CONTAINER, True),
        ("570.86.10", CONTAINER, True),
        ("1000.1", CONTAINER, True),
        ("525.60.13", "", True),
        ("unknown", CONTAINER, False),
    ],
)
def test_rows_are_believed_by_driver_and_namespace(
    version: str, namespace: str, *, believed: bool
) -> None:
    """Old drivers are right where process ids are the host's."""
    assert rows_believed(version, namespace) is believed


def test_the_own_rows_of_all_devices_add_up() -> None:
    """Other processes do not count."""
    devices = (Device("GPU-a", (Row(ME, 100), Row(7, 800))), Device("GPU-b", (Row(ME, 50),)))
    reading = judge(devices, ME, "570.86.10", CONTAINER)
    assert isinstance(reading, Amount)
    assert (reading.value, reading.parts) == (150, {"GPU-a": 100, "GPU-b": 50})
    assert reading.source == "NVML process rows"


def test_a_process_without_a_context_holds_nothing() -> None:
    """No row of its own, where rows are believed, is an answer, whoever else is there."""
    assert judge((Device("GPU-a", (Row(7, 900),)),), ME, "570.86.10", CONTAINER) == NOTHING
    assert judge((Device("GPU-a", (Row(7, None),)),), ME, "570.86.10", ROOT) == NOTHING


@pytest.mark.parametrize("used", [0, 100, None])
def test_a_figure_that_may_be_a_lie_is_not_judged(used: int | None) -> None:
    """Drivers up to 560 list a container's own process with 0 bytes, older ones a stranger's."""
    reading = judge((Device("GPU-a", (Row(ME, used),), 900),), ME, "560.35.03", CONTAINER)
    assert reason(reading) == (
        "driver 560.35.03 does not tell a process in a PID namespace its bytes (565.57 does)"
    )


def test_a_list_that_may_leave_this_process_out_is_not_judged() -> None:
    """Its absence from a list that is not believed proves nothing."""
    assert reason(judge((Device("GPU-a", ()),), ME, "525.60.13", CONTAINER))


@pytest.mark.parametrize("used", [None, 0])
def test_the_devices_total_stands_in_when_nobody_else_is_there(used: int | None) -> None:
    """Without bytes per process (WDDM, MIG) the device's figure is ours if we are alone."""
    alone = (Device("GPU-a", (Row(ME, used),), 900), Device("GPU-b", (Row(7, None),), 50))
    reading = judge(alone, ME, "570.86.10", ROOT)
    assert isinstance(reading, Amount)
    assert (reading.value, reading.source) == (900, "NVML device total")


@pytest.mark.parametrize(
    ("device", "namespace", "says"),
    [
        (Device("GPU-a", (Row(ME, None), Row(7, None)), 900), ROOT, "process 7 uses the device"),
        (Device("GPU-a", (Row(ME, None),), 900), CONTAINER, "hides who else uses the device"),
        (Device("GPU-a", (Row(ME, None),), None), ROOT, "none for the device"),
        (Device("GPU-a", None, 900), ROOT, "lists no processes on GPU-a"),
    ],
)
def test_what_nobody_can_tell_apart_is_undecidable(
    device: Device, namespace: str, says: str
) -> None:
    """The device's bytes may be another's: the reason is said, and no figure."""
    assert says in reason(judge((device,), ME, "570.86.10", namespace))


def test_sources_must_not_be_mixed() -> None:
    """Two figures of different sources have no difference; nothing held fits every source."""
    rows = Amount(5, "NVML process rows")
    assert changed("NVML process rows", rows) == changed("", rows) == ""
    assert changed("NVML process rows", NOTHING) == ""
    said = changed("NVML process rows", Amount(5, "NVML device total"))
    assert said == "read from NVML process rows first and from NVML device total later"
    assert changed("NVML process rows", Undecidable("shared")) == "shared"
    assert changed("NVML process rows", Unavailable("lost")) == "lost"


@pytest.mark.parametrize(
    ("rows", "namespace", "other"),
    [
        ((Row(ME, 100),), ROOT, 950),
        ((Row(ME, 100), Row(7, 1)), ROOT, None),
        ((Row(ME, 100),), CONTAINER, None),
    ],
)
def test_the_second_meter_is_asked_only_where_it_counts_the_same(
    rows: tuple[Row, ...], namespace: str, other: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts whole devices: with others on them, or others hidden, it says nothing of us."""
    monkeypatch.setattr(cuda, "in_use", lambda: {digits(UUID): 950})
    elsewhere = Device("GPU-b", (Row(7, 5),))
    reading = confirmed(
        Amount(100, gpu.ROWS, {UUID: 100}), (Device(UUID, rows), elsewhere), ME, namespace
    )
    assert isinstance(reading, Amount)
    assert reading.other == other


def test_the_second_meter_must_know_every_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A context that is not the primary one leaves it without a figure."""
    monkeypatch.setattr(cuda, "in_use", dict)
    mine = (Device(UUID, (Row(ME, 100),)),)
    reading = Amount(100, gpu.ROWS, {UUID: 100})
    assert confirmed(reading, mine, ME, ROOT) is reading
    assert digits(UUID) == digits(UUID.replace("GPU", "MIG")) == "0" * 31 + "a"


@pytest.mark.parametrize(
    ("path", "able"),
    [
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.570.86.10", True),
        ("/usr/lib/wsl/lib/libcuda.so.1.1", True),
        ("/usr/lib/libnvidia-opencl.so.1", True),
        ("/usr/lib/libGLX_nvidia.so.0", True),
        ("/usr/lib/libnvidia-ml.so.570.86.10", False),
        ("/site-packages/nvidia/cublas/lib/libcublas.so.12", False),
        ("/site-packages/torch/lib/libtorch_cuda.so", False),
        ("/usr/lib/libcudart.so.12", False),
        ("/dev/nvidia0", False),
    ],
)
def test_the_libraries_that_can_hold_device_memory(path: str, *, able: bool) -> None:
    """The driver's own, NVML apart; what is built on them works through them."""
    line = f"7f0000000000-7f0000001000 r-xp 00000000 08:01 4711                   {path}\n"
    assert cuda.ABLE.findall(f"{line}7f-80 rw-p 0 00:00 0 [heap]\n") == ([path] if able else [])


def growing(others: list[float]) -> Readings:
    """Return readings of 2 MiB more device memory each run, beside a second meter's figures."""
    limits = Limits(track=("gpu",), floor={"gpu": 1})
    readings = Readings(limits, warm=True)
    readings._length = 0
    readings._hindrances["gpu"] = readings._sources["gpu"] = ""  # of the machine the test runs on
    for run, other in enumerate(others):
        known = None if math.isnan(other) else int(other)
        amount = Amount((300 + 2 * run) * MiB, gpu.ROWS, {UUID: 1}, known)
        readings.keep(Snapshot({"gpu": amount}), run)
    readings.baseline = Snapshot({"gpu": Amount(300 * MiB, gpu.ROWS)})
    return readings


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ([(900 + 2 * run) * MiB for run in range(9)], "leak"),
        ([900 * MiB] * 9, "inconclusive"),
        ([math.nan] * 9, "leak"),
        ([900 * MiB] * 8 + [math.nan], "leak"),
    ],
)
def test_growth_that_a_second_meter_contradicts_is_not_claimed(
    others: list[float], verdict: str
) -> None:
    """Two meters must agree where both can count; where one cannot, the other stands alone."""
    growth = growing(others).growth("gpu")
    assert growth is not None
    assert growth.verdict == verdict
    assert growth.per_run == 2 * MiB
    if verdict == "inconclusive":
        assert growth.reason == (
            "NVML process rows grew by 16.8 MB, the CUDA driver's own figure did not"
        )


def test_a_contradicted_pass_is_inconclusive() -> None:
    """One pass weighs both meters too."""
    assert (
        onepass.one_pass(growing([900 * MiB, 902 * MiB, 904 * MiB])).meters["gpu"].verdict == "leak"
    )
    judged = onepass.one_pass(growing([900 * MiB] * 3)).meters["gpu"]
    assert (judged.verdict, judged.runs) == ("inconclusive", 1)
    assert METERS["gpu"].unit == "B"
