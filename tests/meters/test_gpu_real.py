"""The GPU meter on a real device; skipped, with the reason, where no NVIDIA driver answers.

Memory is taken and freed by the CUDA driver's own functions, so nothing but the driver is needed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.meters import METERS

SCENES = Path(__file__).with_name("gpu_scenes.py")
MiB = 1 << 20


def run(scene: str) -> Any:
    """Run a scene in a process of its own, whose context ends with it."""
    command = [sys.executable, str(SCENES), scene]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def figures() -> Any:
    """Give readings of a real device, if its driver tells a process its bytes."""
    reading = METERS["gpu"].read()
    if isinstance(reading, Unavailable):
        pytest.skip(f"no GPU to test with: {reading.reason}")
    found = run("figures")
    if found["before"].get("kind"):
        pytest.skip(f"this GPU cannot be judged: {found['before']['reason']}")
    return found


def test_the_figure_follows_what_is_taken_and_freed(figures: Any) -> None:
    """Up by what was taken, give or take a block, and back within the time that checks wait."""
    taken = figures["during"]["value"] - figures["before"]["value"]
    assert taken == pytest.approx(64 * MiB, abs=2 * MiB)
    assert figures["after"]["value"] == figures["before"]["value"]
    assert figures["late"] < 2


def test_the_second_meter_agrees(figures: Any) -> None:
    """Alone on the device both count the same change."""
    before, during = figures["before"]["other"], figures["during"]["other"]
    if before is None or during is None:
        pytest.skip("other processes are on the device, or a PID namespace hides them")
    assert during - before == pytest.approx(64 * MiB, abs=2 * MiB)


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize("check", ["growth", "releases", "guard"])
def test_device_memory_that_is_kept_is_a_leak(check: str) -> None:
    """4 MiB a run, by each kind of check."""
    said = run(f"{check}-kept")
    assert said["verdict"] == "leak", said
    assert said["per_run"] == pytest.approx(4 * MiB, rel=0.5)


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize("check", ["growth", "releases", "guard"])
def test_device_memory_that_is_freed_is_clean(check: str) -> None:
    """The twins."""
    said = run(f"{check}-freed")
    assert (said["verdict"], said["leaks"]) == ("clean", []), said


@pytest.mark.usefixtures("figures")
def test_the_context_itself_is_no_leak() -> None:
    """One pass that makes it is not judged, repeats have it in the warm-up."""
    assert run("first-use")["verdict"] == "unjudged"
    said = run("lazy-context")
    assert said["verdict"] == "clean", said
    assert said["one_time"] > 16 * MiB


@pytest.mark.usefixtures("figures")
def test_reading_the_gpu_moves_no_other_meter() -> None:
    """Code that does nothing is clean while a context is read all the time."""
    assert run("calm")["verdict"] == "clean"
