"""The GPU meter through the real pynvml, on libraries that stand in for the driver's.

They prove the calls, the structures and the decision; a driver they do not prove.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MiB = 1 << 20
CONTEXT = 256 * MiB
UUID = "GPU-00000000-0000-0000-0000-00000000000a"  # the CUDA stand-in's device
HELD = f"driver 570.86.10\ndevice {UUID} held\nrow compute {UUID} self held\n"
ROOT = "pid:[4026531836]"
NOT_SUPPORTED, DRIVER_NOT_LOADED, GPU_IS_LOST = 3, 9, 15
LIST = "nvmlDeviceGetComputeRunningProcesses_v3"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ELF libraries")


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the stand-ins: in ``new`` a driver of today, in ``old`` one of the series 470."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the stand-in libraries with")
    root = tmp_path_factory.mktemp("libraries")
    for folder, options in (("new", []), ("old", ["-DOLD"])):
        (root / folder).mkdir()
        for source, target in (("nvml", "libnvidia-ml.so.1"), ("cuda", "libcuda.so.1")):
            command = [compiler, "-shared", "-fPIC", *options, "-o", str(root / folder / target)]
            subprocess.run([*command, str(HERE / f"{source}_stand_in.c")], check=True)
    return root


@dataclass(frozen=True)
class StandIn:
    """The stand-ins and the folder with their state."""

    libraries: Path
    folder: Path

    def environment(self, version: str = "new") -> dict[str, str]:
        """Return what a process needs to find them."""
        return {"LD_LIBRARY_PATH": str(self.libraries / version), "STAND_IN": str(self.folder)}

    def run(self, scene: str, state: str = HELD, version: str = "new", **more: str) -> Any:
        """Run a scene in a process of its own and return its answer."""
        (self.folder / "state").write_text(state, "utf8")
        environment = {**os.environ, "NAMESPACE": ROOT, **self.environment(version), **more}
        command = [sys.executable, str(HERE / "gpu_scenes.py"), scene]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def reads(self, *states: Sequence[str], version: str = "new", **more: str) -> Any:
        """Read in state after state, each given as its lines, in a process with a context."""
        texts = ["\n".join(lines) + "\n" for lines in states]
        (self.folder / "states").write_text(json.dumps(texts), "utf8")
        return self.run("reads", texts[0], version, **{"WITH_CONTEXT": "1", **more})


@pytest.fixture
def stand_in(libraries: Path, tmp_path: Path) -> StandIn:
    """Give the stand-ins with a state of this test's own."""
    return StandIn(libraries, tmp_path)


def state(*lines: str, driver: str = "570.86.10") -> list[str]:
    """Return the lines of a state with one device."""
    return [f"driver {driver}", "device GPU-a 900", *lines]


ANSWERS = [
    pytest.param(["row compute GPU-a self 100"], 100, id="the own row"),
    pytest.param(["row graphics GPU-a self 100"], 100, id="a graphics process"),
    pytest.param(["row compute GPU-a 7 800"], 0, id="another's row"),
    pytest.param([], 0, id="no rows"),
    pytest.param(
        ["row compute GPU-a self 100", "row graphics GPU-a self 120"], 120, id="in both lists"
    ),
    pytest.param(
        ["row compute GPU-a self none", "row graphics GPU-a self 120"], 120, id="told once"
    ),
    pytest.param(["row compute GPU-a self none"], 900, id="no bytes, alone"),
    pytest.param([f"row compute GPU-a {pid} {pid}" for pid in range(2, 42)], 0, id="a long list"),
    pytest.param(
        ["row compute GPU-a self 100", f"fail {LIST.replace('Compute', 'Graphics')} 3"],
        100,
        id="no graphics",
    ),
]


@pytest.mark.parametrize(("rows", "value"), ANSWERS)
@pytest.mark.parametrize("version", ["new", "old"])
def test_the_figure_is_this_processs(
    stand_in: StandIn, rows: list[str], value: int, version: str
) -> None:
    """By the driver's third and second version of the list, and of the device's memory."""
    (reading,) = stand_in.reads(state(*rows), version=version)
    reserved = 1000 if version == "old" and value == 900 else 0  # its answer cannot leave it out
    assert reading.get("value") == value + reserved, reading


def test_a_device_is_known_by_its_uuid(stand_in: StandIn) -> None:
    """Two devices that change places, as after CUDA_DEVICE_ORDER, stay what they were."""
    lines = state("row compute GPU-a self 100", "row compute GPU-b self 30")
    devices = ["device GPU-b 50", lines.pop(1)]
    first, second = stand_in.reads([*lines, *devices], [*lines, *reversed(devices)])
    assert first == second
    assert first["parts"] == {"GPU-a": 100, "GPU-b": 30}


def test_a_split_device_is_read_by_its_instances(stand_in: StandIn) -> None:
    """The instances tell bytes per process, the device as a whole does not."""
    (reading,) = stand_in.reads(
        state(
            "instance MIG-b 20 GPU-a",
            "instance MIG-c 70 GPU-a",
            "row compute GPU-a self none",
            "row compute MIG-c self 60",
            "row compute MIG-b 7 10",
        )
    )
    assert reading["parts"] == {"MIG-c": 60}


def test_an_instance_without_bytes_counts_if_nobody_else_is_on_it(stand_in: StandIn) -> None:
    """The neighbour on the other instance does not matter."""
    mine = ["instance MIG-b 20 GPU-a", "instance MIG-c 70 GPU-a", "row compute MIG-c self none"]
    reading, shared = stand_in.reads(
        state(*mine, "row compute MIG-b 7 10"), state(*mine, "row compute MIG-c 7 none")
    )
    assert (reading["value"], reading["source"]) == (70, "NVML device total")
    assert shared["kind"] == "Undecidable"


def test_a_shared_device_is_undecidable_with_the_reason(stand_in: StandIn) -> None:
    """Where no bytes are told per process, the device's may be another's."""
    rows = ["row compute GPU-a self none", "row graphics GPU-a 7 none"]
    (reading,) = stand_in.reads(state(*rows))
    assert reading == {
        "kind": "Undecidable",
        "reason": "the driver tells no bytes per process, and process 7 uses the device too",
    }


@pytest.mark.parametrize(
    ("driver", "row", "expected"),
    [
        ("525.60.13", "row compute GPU-a 4711 100", "driver 525.60.13 does not tell"),
        ("560.35.03", "row compute GPU-a self 0", "driver 560.35.03 does not tell"),
        ("565.57.01", "row compute GPU-a self 100", ""),
        ("570.86.10", "row compute GPU-a self none", "hides who else uses the device"),
    ],
)
def test_in_a_container_the_driver_decides(
    stand_in: StandIn, driver: str, row: str, expected: str
) -> None:
    """Which drivers a process in a PID namespace may believe."""
    (reading,) = stand_in.reads(state(row, driver=driver), NAMESPACE="pid:[4026532001]")
    assert expected in reading.get("reason", "")
    assert bool(expected) == (reading.get("kind") == "Undecidable")


def test_a_container_that_uses_no_gpu_is_clean_with_every_driver(stand_in: StandIn) -> None:
    """A process without CUDA cannot hold device memory, whatever the driver's lists say."""
    crowd = state("row compute GPU-a 7 800", "row compute GPU-a self 0", driver="525.60.13")
    answers = stand_in.reads(crowd, WITH_CONTEXT="", NAMESPACE="pid:[4026532001]")
    assert [answer["value"] for answer in answers] == [0]


def test_a_driver_that_is_loaded_and_not_used_holds_nothing(stand_in: StandIn) -> None:
    """Importing a library that is linked with CUDA makes no context."""
    answers = stand_in.run(
        "uninitialised", "driver 525.60.13\ndevice GPU-a 900\n", NAMESPACE="pid:[4026532001]"
    )
    assert [answer["value"] for answer in answers] == [0, 0]


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        (f"fail {LIST} {NOT_SUPPORTED}", "Undecidable", "the driver lists no processes on GPU-a"),
        (f"fail {LIST} {GPU_IS_LOST}", "Unavailable", "NVML: GPU is lost"),
        (
            f"fail nvmlInitWithFlags {DRIVER_NOT_LOADED}",
            "Unavailable",
            "the NVIDIA driver does not answer: Driver Not Loaded",
        ),
        (
            f"fail nvmlDeviceGetCount_v2 {GPU_IS_LOST}",
            "Unavailable",
            "the NVIDIA driver does not answer: GPU is lost",
        ),
    ],
)
def test_what_the_driver_refuses_is_said(
    stand_in: StandIn, line: str, kind: str, reason: str
) -> None:
    """A failing call is a reason and never a figure."""
    (reading,) = stand_in.reads(state("row compute GPU-a self 100", line))
    assert reading == {"kind": kind, "reason": reason}


def test_a_driver_without_devices_is_unavailable(stand_in: StandIn) -> None:
    """Nothing is there to be read."""
    (reading,) = stand_in.reads(["driver 570.86.10"])
    assert reading == {"kind": "Unavailable", "reason": "the NVIDIA driver shows no device"}


def test_a_device_that_tells_nothing_at_all_is_undecidable(stand_in: StandIn) -> None:
    """Neither bytes per process nor its own, as where memory is shared with the system."""
    rows = ["driver 570.86.10", "device GPU-a -", "row compute GPU-a self none"]
    (reading,) = stand_in.reads(rows)
    assert reading["reason"].endswith("and none for the device")


def test_a_driver_that_is_lost_in_between_is_a_reason_and_may_come_back(stand_in: StandIn) -> None:
    """Each reading says how it is at that moment."""
    row = "row compute GPU-a self 100"
    lost = state(row, f"fail {LIST} {GPU_IS_LOST}")
    before, during, after = stand_in.reads(state(row), lost, state(row))
    assert (before["value"], during["kind"], after["value"]) == (100, "Unavailable", 100)


def test_nvml_that_somebody_shut_down_is_opened_again(stand_in: StandIn) -> None:
    """A test that calls nvmlShutdown once too often does not end the meter."""
    before, after = stand_in.run("shut-down")
    assert before == after
    assert after["value"] == CONTEXT


def test_a_forked_child_reads_for_itself(stand_in: StandIn) -> None:
    """It has no context, opens NVML anew, and leaves the parent's alone."""
    parent, child, with_context, later = stand_in.run("forked")
    assert child["value"] == 0
    assert with_context["value"] > 0
    assert parent["value"] == later["value"] > 0


def test_the_second_meter_makes_no_context(stand_in: StandIn) -> None:
    """It has a figure once somebody else made one, and leaves nothing current behind."""
    answer = stand_in.run("second-meter")
    assert (answer["before"], answer["created"]) == ([0, {}], 0)
    assert answer["after"]["value"] == answer["after"]["other"] == CONTEXT + 4 * MiB
    assert answer["left"] == [0, 0]


def test_the_second_meter_is_silent_on_a_shared_device(stand_in: StandIn) -> None:
    """It counts the device, and others are on it."""
    (reading,) = stand_in.reads([*HELD.splitlines(), f"row compute {UUID} 7 5"])
    assert (reading["value"], reading["other"]) == (CONTEXT, None)


@pytest.mark.parametrize("check", ["growth", "releases", "guard"])
def test_device_memory_that_is_kept_is_a_leak(stand_in: StandIn, check: str) -> None:
    """4 MiB a run, by each kind of check."""
    said = stand_in.run(f"{check}-kept")
    assert (said["verdict"], said["per_run"]) == ("leak", 4 * MiB), said
    assert {meter for meter, _ in said["leaks"]} == {"gpu"}


def test_a_leak_of_a_whole_model_is_told_before_the_device_is_full(stand_in: StandIn) -> None:
    """A few runs must do: each of them takes 2 GiB."""
    said = stand_in.run("growth-kept-large")
    assert (said["verdict"], said["per_run"]) == ("leak", 2048 * MiB), said


@pytest.mark.parametrize("late", [0, 9])
@pytest.mark.parametrize("check", ["growth", "releases", "guard"])
def test_device_memory_that_is_freed_is_clean(stand_in: StandIn, check: str, late: int) -> None:
    """Also where the figure falls only some time after."""
    said = stand_in.run(f"{check}-freed", f"{HELD}late {late}\n")
    assert (said["verdict"], said["per_run"], said["leaks"]) == ("clean", 0, []), said


def test_growth_that_the_driver_does_not_confirm_is_inconclusive(stand_in: StandIn) -> None:
    """Two independent meters must agree before anybody is blamed."""
    said = stand_in.run("growth-kept", STAND_IN_FLAT="1")
    assert said["verdict"] == "inconclusive"
    assert said["reason"].endswith("the CUDA driver's own figure did not")


def test_the_context_itself_is_no_leak(stand_in: StandIn) -> None:
    """One pass that makes it is not judged, repeats have it in the warm-up."""
    assert stand_in.run("first-use")["verdict"] == "unjudged"
    said = stand_in.run("lazy-context")
    assert (said["verdict"], said["one_time"]) == ("clean", CONTEXT)


def test_the_resolution_is_a_block_of_device_memory(stand_in: StandIn) -> None:
    """CUDA takes 2 MiB at a time: less a run can hide in a block that was there."""
    said = stand_in.run("releases-freed")
    assert said["resolution"] == 2 * MiB


def test_another_process_is_not_blamed_on_this_one(stand_in: StandIn) -> None:
    """Its row grows with every run, and this process's own does not."""
    said = stand_in.run("crowded", "\n".join(state("row compute GPU-a self 100")) + "\n")
    assert (said["verdict"], said["leaks"]) == ("clean", [])


def test_a_stranger_who_came_and_went_makes_it_inconclusive(stand_in: StandIn) -> None:
    """Readings of the device's total count only while this process was alone on it."""
    said = stand_in.run("joined")
    assert said["verdict"] == "inconclusive"
    assert "process 7 uses the device too" in said["reason"]


def test_a_process_without_a_context_is_clean(stand_in: StandIn) -> None:
    """That others use the devices is no business of a test that uses none."""
    said = stand_in.run("untouched", "\n".join(state("row compute GPU-a 7 none")) + "\n")
    assert (said["verdict"], said["per_run"]) == ("clean", 0)


def test_what_nvml_itself_takes_is_not_blamed_on_anybody(stand_in: StandIn) -> None:
    """Its descriptors and its heap came with the first reading, before anything was counted."""
    said = stand_in.run("first-reading")
    assert said["opened"] == 1
    assert said["leaks"] == []


def test_reading_the_gpu_moves_no_other_meter(stand_in: StandIn) -> None:
    """Code that does nothing is clean by every meter while a context is read all the time."""
    assert stand_in.run("calm")["verdict"] == "clean"


SUITE = """
import ctypes, sys
sys.path.insert(0, {here!r})
from device_memory import Card, Engine

def test_engine(ocrleak):
    card = Card()
    card.make_context()
    ocrleak.assert_releases(lambda: Engine(card, gives={gives}), Engine.use, track="gpu")
"""


@pytest.fixture
def driven(pytester: pytest.Pytester, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let suites of their own find the stand-ins; return the file with their state."""
    del pytester
    for name, value in stand_in.environment().items():
        monkeypatch.setenv(name, value)
    path = stand_in.folder / "state"
    path.write_text(HELD, "utf8")
    return path


def test_a_suite_fails_by_a_gpu_leak(pytester: pytest.Pytester, driven: Path) -> None:
    """The failed test names the meter and the growth."""
    assert driven.exists()
    pytester.makepyfile(SUITE.format(here=str(HERE), gives=False))
    result = pytester.runpytest_subprocess("--ocrleak-require=gpu")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*leaks (gpu *) after * runs:", "*gpu: grows by 4.2 MB per life"])


def test_a_suite_with_its_gpu_passes(pytester: pytest.Pytester, driven: Path) -> None:
    """A required meter that is there is no news."""
    assert driven.exists()
    pytester.makepyfile(SUITE.format(here=str(HERE), gives=True))
    result = pytester.runpytest_subprocess("--ocrleak-require=gpu")
    result.assert_outcomes(passed=1)
    assert "unavailable" not in result.stdout.str()


def test_a_required_gpu_that_does_not_answer_stops_the_session(
    pytester: pytest.Pytester, driven: Path
) -> None:
    """A runner whose driver broke must not turn its GPU checks green."""
    driven.write_text(f"{HELD}fail nvmlInitWithFlags {DRIVER_NOT_LOADED}\n", "utf8")
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest_subprocess("--ocrleak-require=gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "gpu cannot be read here: the NVIDIA driver does not answer" in result.stderr.str()


WATCHED = """
import sys
import pytest
sys.path.insert(0, {here!r})
from device_memory import Card, Engine

@pytest.fixture(scope="session")
def card():
    card = Card()
    card.make_context()
    return card

@pytest.fixture(scope="module")
def engine(card):
    engine = Engine(card, gives=True)
    yield engine
    engine.free_resources()

@pytest.fixture
def careless(card):
    engine = Engine(card, gives=False)
    yield engine
    engine.free_resources()

@pytest.fixture
def grows_lazily(card):
    engine = Engine(card, gives=True, size=0x200000)
    more = []
    yield lambda: more.append(card.take(0x400000))
    engine.free_resources()
    for memory in more:
        card.give_back(memory)

def test_of_engine(engine):
    engine.use()

def test_lazily(grows_lazily):
    grows_lazily()

def test_careless(careless):
    careless.use()

def test_frees_what_a_wider_fixture_took(engine):
    engine.free_resources()
"""


def test_device_memory_is_charged_to_its_fixture(pytester: pytest.Pytester, driven: Path) -> None:
    """What a living engine may hold is its own; what nobody can hold any more has leaked."""
    assert driven.exists()
    pytester.makepyfile(WATCHED.format(here=str(HERE)))
    result = pytester.runpytest_subprocess("--ocrleak", "-p", "no:randomly", "-p", "no:asyncio")
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(
        ["*leaks (gpu 4.2 MB, 2.1 MB allowed):", "*grew by 4.2 MB", "*during careless"]
    )
