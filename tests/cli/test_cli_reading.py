"""Reading real processes in which things were planted."""

import os
import subprocess
import threading
from collections import Counter
from pathlib import Path

import psutil
import pytest
from planting import Planted

from pytest_ocrleak.cli.command import StopError
from pytest_ocrleak.cli.process import naming, odd, reading
from pytest_ocrleak.cli.process.holdings import Holdings, Mapped
from pytest_ocrleak.meters import procfs

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="/proc is Linux's")


def held_after(planted: Planted, name: str, count: int) -> Holdings:
    """Return what the process holds with something planted in it."""
    planted(name, count)
    return reading.read(planted.pid)


def test_deleted_files_are_known_by_having_no_name(planted: Planted) -> None:
    """With their bytes on disk, and without the kernel's remark in the path."""
    found = held_after(planted, "deleted", 3)
    files = [d for d in found.descriptors if d.deleted and d.target.endswith(".tmp")]
    assert sorted(Path(each.target).name for each in files) == [f"page-{i}.tmp" for i in range(3)]
    assert all(each.size >= 8192 for each in files)


def test_a_name_that_ends_like_the_kernels_remark_is_no_deleted_file(tmp_path: Path) -> None:
    """The number of names tells, not the text."""
    with (tmp_path / "x (deleted)").open("wb") as file:
        (found,) = (d for d in reading.read(0).descriptors if d.number == file.fileno())
    assert (found.deleted, found.target) == (False, str(tmp_path / "x (deleted)"))


def test_descriptors_of_one_file_are_seen_as_such(planted: Planted) -> None:
    """Fifty-seven of them, one name."""
    found = held_after(planted, "same", 57)
    (often,) = [
        n for n, count in Counter(naming.of_descriptors(found.descriptors)).items() if count > 9
    ]
    assert Path(often.what).name == "model.onnx"
    assert any(sight.startswith("open ×57") for sight in odd.sights(found))


def test_half_closed_connections_are_seen(planted: Planted) -> None:
    """The kernel has them in CLOSE_WAIT, all to one address."""
    found = held_after(planted, "close_wait", 5)
    names = Counter(n for n in naming.of_descriptors(found.descriptors) if n.state == "CLOSE_WAIT")
    assert list(names.values()) == [5]


def test_both_ends_of_connections_have_one_name_each(planted: Planted) -> None:
    """Clients' ports, which differ, are left out."""
    found = held_after(planted, "connected", 7)
    names = Counter(n for n in naming.of_descriptors(found.descriptors) if n.state == "ESTABLISHED")
    assert sorted(names.values()) == [7, 7]


def test_threads_have_their_native_names(planted: Planted) -> None:
    """And are counted under one."""
    found = held_after(planted, "threads", 9)
    assert Counter(naming.of_thread(t).what for t in found.threads)["ocr-worker-*"] == 9


def test_children_and_zombies_are_told_apart(planted: Planted) -> None:
    """A zombie has no command line any more, its name is left."""
    planted("children", 1)
    found = held_after(planted, "zombies", 2)
    assert sorted((c.zombie, c.command) for c in found.children) == [
        (False, "cat"),
        (True, "true"),
        (True, "true"),
    ]


def test_memory_without_a_file_is_a_part_of_resident_memory(planted: Planted) -> None:
    """And the parts are all of it."""
    before = reading.read(planted.pid)
    found = held_after(planted, "memory", 2)
    part = "mapped without a file"
    grown = found.memory.parts[part] - before.memory.parts[part]
    assert 64 << 20 <= grown <= 66 << 20
    assert sum(found.memory.parts.values()) == found.memory.resident
    assert 64 << 20 <= found.memory.uss <= found.memory.pss <= found.memory.resident


def test_mapped_files_without_a_name_are_seen(planted: Planted) -> None:
    """With what of them is in memory."""
    found = held_after(planted, "mapped", 2)
    files = [each for each in found.mappings if each.deleted]
    assert sorted(Path(each.path).name for each in files) == ["weights-0.bin", "weights-1.bin"]
    assert all(each.size == 4 << 20 for each in files)


def test_a_light_reading_walks_no_page_tables(planted: Planted) -> None:
    """It has the same things, and resident memory as the kernel counts it."""
    planted("memory", 1)
    whole, light = reading.read(planted.pid), reading.read(planted.pid, whole=False)
    assert [each._replace(resident=0) for each in whole.mappings] == list(light.mappings)
    assert whole.descriptors == light.descriptors
    assert light.memory.resident == pytest.approx(whole.memory.resident, rel=0.05)
    assert not any(each.resident for each in light.mappings)


def test_it_is_the_limit_of_the_process_itself(planted: Planted) -> None:
    """Not of the one that looks."""
    psutil.Process(planted.pid).rlimit(psutil.RLIMIT_NOFILE, (77, 78))
    assert reading.read(planted.pid).limit == (77, 78)


def test_a_process_that_is_not_there_is_told() -> None:
    """One that ended and was waited for."""
    child = subprocess.Popen(["true"])
    child.wait()
    with pytest.raises(reading.EndedError, match=f"no process {child.pid}$"):
        reading.read(child.pid)


def test_a_zombie_is_told_with_its_parent() -> None:
    """It holds nothing, and is gone for a watcher."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    try:
        with pytest.raises(reading.EndedError, match=f"is a zombie.* process {os.getpid()}, waits"):
            reading.read(child.pid)
    finally:
        child.wait()


def test_a_thread_is_told_with_its_process() -> None:
    """Its number is none of a process."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with pytest.raises(StopError, match=f"is a thread of process {os.getpid()}"):
            reading.read(thread.native_id or 0)
    finally:
        done.set()
        thread.join()


def test_a_thread_of_the_kernel_is_told_as_such() -> None:
    """Where they are seen at all: in a container they may be hidden."""
    if Path("/proc/2/comm").exists() and Path("/proc/2/comm").read_text() == "kthreadd\n":
        with pytest.raises(StopError, match=r"^2 \(kthreadd\) is a kernel thread"):
            reading.read(2)
    else:
        pytest.skip("the threads of the kernel are hidden")


def test_a_process_of_others_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its name and its user: what the system says when asked without the right."""

    def refused(*_: object, **__: object) -> Holdings:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading, "taken", refused)
    with pytest.raises(StopError, match=r"of .*\) may not be looked at: that takes its user's"):
        reading.read(os.getpid())


def test_a_wait_ends_with_the_process(planted: Planted) -> None:
    """Not only when the time is over."""
    assert not reading.ended_within(planted.pid, 0)
    assert not reading.ended_within(planted.pid, -1e-6)  # it is due by now
    threading.Timer(0, planted.end).start()
    assert reading.ended_within(planted.pid, 30)


def test_own_memory_is_read_too() -> None:
    """A process may look at itself."""
    found = reading.read(0)
    assert found.process.pid == os.getpid()
    assert any(isinstance(each, Mapped) and each.kind == "library" for each in found.mappings)
