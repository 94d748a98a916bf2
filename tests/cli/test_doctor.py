"""`ocrleak doctor`: once for real, and what it says of meters that do not see their leaks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from planting import COMMAND, QUIET

from pytest_ocrleak.cli import doctor
from pytest_ocrleak.cli.checkup import trust
from pytest_ocrleak.cli.checkup.plants import Seen
from pytest_ocrleak.cli.checkup.trust import Here
from pytest_ocrleak.cli.pages import plain
from pytest_ocrleak.meters import METERS, procfs

STAND_INS = Path(__file__).parents[1] / "meters"
UUID = "GPU-00000000-0000-0000-0000-00000000000a"  # the CUDA stand-in's device
HERE = Here("CPython 3.11.7", "Linux", "6.1", "glibc 2.36", 1024, memray="1.20")
WELL = Seen(
    available=True, source="/proc/self/fd", unit="descriptors", planted="1 descriptor",
    planted_per_run=1.0, verdict="leak", per_run=1.0, nothing="clean",
)  # fmt: skip
BLIND = WELL._replace(verdict="clean", per_run=0.0)
LOUD = WELL._replace(nothing="leak", noise=1.0)
COARSE = WELL._replace(per_run=3.0)
BROKEN = Seen(available=True, reason="was ended by SIGSEGV")
MISSING = Seen(available=False, reason="no NVIDIA driver")
UNPLANTED = Seen(available=True, source="NVML", reason="nothing to plant with: no libcuda.so.1")


def shown(meters: Mapping[str, Seen], here: Here = HERE) -> str:
    """Return the page as wide lines."""
    return plain.rendered(doctor.page(here, meters), 160)


def test_a_narrow_terminal_gets_what_counts() -> None:
    """Whether each leak is seen, and nothing is told where there is none."""
    text = plain.rendered(doctor.page(HERE, {"fds": WELL}), 40)
    assert max(len(line) for line in text.splitlines() if not line.startswith("==")) <= 40
    assert "fds    1 descriptor     yes   clean" in text


@pytest.mark.skipif(not procfs.LINUX, reason="not all meters can be read")
def test_every_meter_that_can_be_read_sees_its_leak_here() -> None:
    """And is quiet where nothing is done; a meter that cannot be read is no failure."""
    done = subprocess.run(
        [*COMMAND, "doctor", "--json"], capture_output=True, text=True, env=QUIET, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    data = json.loads(done.stdout)
    assert (data["schema_version"], data["trusted"]) == (1, True)
    assert list(data["meters"]) == list(METERS)
    tried = {name: seen for name, seen in data["meters"].items() if seen["planted"]}
    assert tried.keys() >= {"fds", "maps", "threads", "processes", "rss", "tempfiles"}
    for seen in tried.values():
        assert (seen["seen"], seen["quiet"]) == (True, True)
        assert seen["per_run"] == pytest.approx(seen["planted_per_run"], rel=0.1)
        assert seen["source"]
    untried = [seen for seen in data["meters"].values() if not seen["planted"]]
    assert all(seen["reason"] and seen["seen"] is None for seen in untried)
    assert data["environment"]["python"].endswith(sys.version.split()[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ELF libraries")
def test_device_memory_is_planted_through_the_driver(tmp_path: Path) -> None:
    """On stand-ins for its libraries, which prove the calls and no driver."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the stand-in libraries with")
    for source, target in (("nvml", "libnvidia-ml.so.1"), ("cuda", "libcuda.so.1")):
        command = [compiler, "-shared", "-fPIC", "-o", str(tmp_path / target)]
        subprocess.run([*command, str(STAND_INS / f"{source}_stand_in.c")], check=True)
    state = f"driver 570.86.10\ndevice {UUID} held\nrow compute {UUID} self held\n"
    (tmp_path / "state").write_text(state, "utf8")
    places = {"LD_LIBRARY_PATH": str(tmp_path), "STAND_IN": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-m", "pytest_ocrleak.cli.checkup.plants", "gpu"],
        capture_output=True, check=True, env={**os.environ, **places},
    )  # fmt: skip
    seen = Seen(**json.loads(answer.stdout))
    assert (seen.verdict, seen.per_run, seen.nothing) == ("leak", 4 << 20, "clean")


@pytest.mark.parametrize(
    ("seen", "well", "said"),
    [
        (WELL, True, "1 of 2 meters see the leak that was planted for them, and are quiet"),
        (BLIND, False, "fds does not see 1 descriptor per run (it says clean, 0)"),
        (COARSE, False, "fds does not see 1 descriptor per run (it says leak, 3)"),
        (LOUD, False, "fds says leak where nothing is done"),
        (BROKEN, False, "fds gave no answer"),
        (MISSING, True, "0 of 2 meters see the leak"),
        (UNPLANTED, True, "(fds, gpu could not be tried)"),
    ],
)
def test_the_sentence_at_the_end_says_what_cannot_be_trusted(
    seen: Seen,
    well: bool,  # noqa: FBT001 - pytest passes it by name
    said: str,
) -> None:
    """A leak that is not seen or is told at another size, noise, or a process that broke down."""
    meters = {"fds": seen, "gpu": MISSING}
    told = shown(meters).splitlines()[-1]
    assert doctor.well(seen) is well
    assert said in told
    assert told.startswith("not to be trusted here: ") is not well
    assert doctor.as_data(HERE, meters)["trusted"] is well


def test_each_meter_has_a_row() -> None:
    """With what was planted and measured, and the reason of what could not be tried."""
    lines = shown({"fds": WELL, "threads": BLIND, "gpu": MISSING, "heap": BROKEN}).splitlines()
    (fds,) = (line for line in lines if line.startswith("fds "))
    assert fds.split() == [
        *("fds", "1", "descriptor", "yes", "1", "clean", "0", "exact", "/proc/self/fd")
    ]
    assert any(line.startswith("threads  1 descriptor") and "no: clean" in line for line in lines)
    assert "gpu unavailable: no NVIDIA driver" in lines
    assert "heap: was ended by SIGSEGV" in lines


def test_a_process_that_breaks_down_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last words are the reason."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert doctor.examine("fds") == Seen(available=True, reason="(exit code 1)")


@pytest.mark.parametrize(
    ("here", "meters", "said"),
    [
        (HERE, {"fds": WELL, "gpu": MISSING}, ""),
        (HERE._replace(descriptors=0), {}, ""),
        (HERE._replace(descriptors=256), {}, "only 256 descriptors may be open"),
        (HERE._replace(kcmp=False), {}, "allow kcmp in its seccomp profile"),
        (HERE, {"heap": MISSING}, "the heap is not read (no NVIDIA driver)"),
        (HERE, {"pyblocks": MISSING}, "unset PYTHONMALLOC"),
        (HERE, {"fds": MISSING, "maps": MISSING}, "fds, maps cannot be read"),
    ],
)
def test_what_limits_trust_is_told_with_what_to_do(
    here: Here, meters: Mapping[str, Seen], said: str
) -> None:
    """Nothing where nothing does."""
    told = list(trust.limits(here, meters))
    assert said in " ".join(told)
    assert bool(told) is bool(said)
    assert ("== What limits trust here" in shown(meters, here)) is bool(said)


def test_what_is_here_is_read() -> None:
    """The kernel's answer on duplicates is tried, not assumed."""
    found = trust.here()
    assert found.python.endswith(sys.version.split()[0])
    assert found.descriptors >= 0
    assert trust.installed("no-such-distribution") == ""
    assert any("any" in line for line in trust.told(found._replace(descriptors=0)))
