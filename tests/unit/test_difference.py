"""Comparing snapshots of literal values."""

import pytest

from pytest_ocrleak.difference import between, fingerprint, leaks, lingering, tally
from pytest_ocrleak.ignore import Rule, suggested
from pytest_ocrleak.inventory import (
    Cause,
    Descriptor,
    Item,
    Items,
    MappedFile,
    Process,
    Snapshot,
    Thread,
    Unavailable,
)


def seen(meter: str, *items: Item) -> Snapshot:
    """Make a snapshot of one meter."""
    return Snapshot({meter: Items(items)})


def test_a_reused_number_is_another_descriptor() -> None:
    """The same number with another file behind it came anew."""
    before = seen("fds", Descriptor(5, 1, 100, "file", "/a"))
    after = seen("fds", Descriptor(5, 1, 200, "file", "/b"))
    assert [item.what for item in lingering(before, after, "fds")] == ["/b"]


def test_a_duplicate_is_another_descriptor() -> None:
    """The same file under another number is one more to close."""
    one, two = Descriptor(5, 1, 100, "file", "/a"), Descriptor(6, 1, 100, "file", "/a")
    assert lingering(seen("fds", one), seen("fds", one, two), "fds") == (two,)


def test_a_renamed_file_is_the_same_descriptor() -> None:
    """Log rotation renames a file under an open descriptor, which is no new one."""
    before = seen("fds", Descriptor(5, 1, 100, "file", "/log"))
    after = seen("fds", Descriptor(5, 1, 100, "file", "/log.1"))
    assert lingering(before, after, "fds") == ()


def test_a_mapping_counts_by_what_was_added() -> None:
    """A file that is mapped once more is found by the size, though its name was known."""
    before = seen("maps", MappedFile("fe:00", 7, "/m.onnx", "file", 4096))
    after = seen("maps", MappedFile("fe:00", 7, "/m.onnx", "file", 12288))
    (found,) = lingering(before, after, "maps")
    assert isinstance(found, MappedFile)
    assert found.size == 8192


def test_a_library_may_stay_mapped() -> None:
    """What dlopen brought stays by design."""
    after = seen("maps", MappedFile("fe:00", 7, "/lib/x.so", "library", 4096))
    assert lingering(seen("maps"), after, "maps") == ()


def test_a_thread_id_given_out_again_is_another_thread() -> None:
    """Thread ids return; the start tells them apart."""
    before, after = (seen("threads", Thread(9, start, "w", python=False)) for start in (1, 2))
    assert len(lingering(before, after, "threads")) == 1


def test_an_unavailable_meter_leaves_nothing_to_compare() -> None:
    """Without a reading before, nothing can be called new."""
    before = Snapshot({"fds": Unavailable("no /proc")})
    assert between(before, seen("fds", Descriptor(5, 1, 1, "file", "/a"))) == []


def test_a_rule_lets_its_things_linger() -> None:
    """A glob covers names of its own meter only."""
    after = seen("processes", Process(5, 1, "daemon --log", zombie=False))
    rule = Rule("processes", "child process daemon*", "it is meant to stay")
    assert between(seen("processes"), after, [rule]) == []
    assert len(between(seen("processes"), after, [Rule("fds", "*", "")])) == 1


def test_names_that_differ_in_numbers_are_one() -> None:
    """Numbered threads are one leak with a count."""
    assert tally(["T-1", "T-2", "U-1"]) == {"T-1": 2, "U-1": 1}


def test_a_leak_names_what_and_how_often() -> None:
    """Leaks are grouped by name, most of them first."""
    things = [Descriptor(n, 1, n, "file", "/a" if n < 8 else "/b") for n in range(5, 9)]
    found = between(seen("fds"), seen("fds", *things))
    assert [(leak.what, leak.count) for leak in found] == [("/a", 3), ("/b", 1)]


def test_a_fingerprint_ignores_what_changes_from_run_to_run() -> None:
    """Ids and addresses are left out, names and meters are not."""
    assert fingerprint("fds", "socket:[1234]") == fingerprint("fds", "socket:[99]")
    assert fingerprint("heap", "grows by 998 B per run") == fingerprint(
        "heap", "grows by -1.1 MB per run"
    )
    assert fingerprint("fds", "/a") != fingerprint("fds", "/b")
    assert fingerprint("fds", "/a") != fingerprint("maps", "/a")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/home/ci/build/12/app/model.onnx", "/Users/me/src/app/model.onnx"),
        ("/tmp/scan_ab3d_x9z.bin", "/tmp/scan_k2m4q_0a.bin"),
        ("/tmp/tmpab3d_x9z/model.onnx (deleted)", "/tmp/tmpk2m4q_0a/model.onnx (deleted)"),
        ("/dev/shm/psm_22942395", "/dev/shm/psm_deadbeef"),
        ("child process /usr/bin/python3.11 -m app", "child process /opt/py/bin/python -m app"),
        ("inet stream socket 127.0.0.1:40312 → -", "inet stream socket 127.0.0.1:5 → -"),
        ("/data/0b9f2c4e-run.bin", "/data/77aa01bc-run.bin"),
    ],
)
def test_a_fingerprint_is_the_same_on_another_machine(one: str, other: str) -> None:
    """Folders, drawn names, versions and ports differ; the thing is the same."""
    assert fingerprint("fds", one) == fingerprint("fds", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/tmp/detector.onnx/a", "/tmp/detector.onnx/b"),
        ("/srv/detector.onnx", "/srv/recognizer.onnx"),
        ("native thread ort/intra", "native thread ort/inter"),
        ("child process sleep", "zombie process sleep"),
        ("pipe:[1]", "socket:[1]"),
    ],
)
def test_a_fingerprint_tells_different_things_apart(one: str, other: str) -> None:
    """Names that people chose count, and so does the function that opened the thing."""
    assert fingerprint("fds", one) != fingerprint("fds", other)
    assert fingerprint("fds", one, "app.py in load") != fingerprint("fds", one, "app.py in save")


def test_what_was_opened_in_different_places_is_told_apart() -> None:
    """Of one name, each line that opened it is a leak of its own; one keeper stands for all."""
    things = [Descriptor(n, 1, n, "file", "/a") for n in range(4)]
    lines = [("a.py:1 in f",), ("b.py:2 in g",), ("b.py:2 in g",), ()]
    keepers = [(), (), ("module app → files[0]",), ()]
    causes = {
        thing: Cause(line, keeper)
        for thing, line, keeper in zip(things, lines, keepers, strict=True)
    }
    found = list(leaks("fds", things, 1, causes))
    assert [(one.count, one.opened_at, one.kept_by) for one in found] == [
        (2, ("b.py:2 in g",), ("module app → files[0]",)),
        (1, ("a.py:1 in f",), ()),
        (1, (), ()),
    ]


def test_names_that_tempfile_drew_are_one() -> None:
    """Each run makes another name; names that people chose stay apart."""
    assert tally(["/tmp/tmpab3d_x9z", "/tmp/tmpk2m4q_0a"]) == {"/tmp/tmpab3d_x9z": 2}
    assert len(tally(["/tmp/detector", "/tmp/segments"])) == 2


def test_names_that_differ_are_told_as_what_they_have_in_common() -> None:
    """Not as the first of them, which would leave the others unsaid."""
    things = [Descriptor(n, 1, n, "file", f"/data/{n}.txt") for n in range(1, 5)]
    (one,) = leaks("fds", things)
    assert (one.what, one.count) == ("/data/*.txt", 4)


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        (["/tmp/tmpabcdefgh", "/tmp/tmpijklmnop"], "/tmp/tmp*"),
        (["/dev/shm/sem.92rXGZ", "/dev/shm/sem.rAXGZb"], "/dev/shm/sem.*"),
        (["/tmp/tmpab3d_x9z/1", "/tmp/tmpk2m4q_0a/2"], "/tmp/tmp*/*"),
    ],
)
def test_names_that_were_drawn_are_told_by_what_people_chose_of_them(
    names: list[str], shared: str
) -> None:
    """Whether there are digits in them or not."""
    things = [Descriptor(n, 1, n, "file", name) for n, name in enumerate(names)]
    (one,) = leaks("fds", things)
    assert (one.what, one.count) == (shared, 2)


def test_mappings_are_counted_in_files_and_grow_in_bytes() -> None:
    """As the meter does, whose figure stands beside them."""
    (one,) = leaks("maps", [MappedFile("fe:00", 7, "/m.onnx", "file", 8192)], runs=4)
    assert (one.count, one.per_run) == (1, 2048)


@pytest.mark.parametrize(
    ("what", "again"),
    [
        ("pipe:[3494595]", "pipe:[12]"),
        (
            "/tmp/pytest-of-root/pytest-535/test_a0/model.bin",
            "/tmp/pytest-of-me/pytest-1/x/model.bin",
        ),
        ("/tmp/tmpab3d_x9z/model.bin", "/tmp/tmpk2m4q_0a/model.bin"),
        (
            "inet stream socket 127.0.0.1:33821 → 10.0.0.1:80",
            "inet stream socket 127.0.0.1:5 → 10.0.0.1:81",
        ),
        ("/srv/v2/model.bin", "/srv/v2/model.bin"),
        ("/data/*.txt", "/data/17.txt"),
        ("/tmp/tmpabcdefgh", "/tmp/tmpk2m4q_0a"),
        ("/srv/run/tmpabcdefgh.pdf", "/srv/run/tmpk2m4q_0a.pdf"),
        ("/tmp/page_ab3d_x9z.pdf", "/tmp/page_k2m4q_0a.pdf"),
        ("/tmp/#2147934 (deleted)", "/tmp/#17 (deleted)"),
        ("/tmp/detector", "/tmp/detector"),
        ("/dev/shm/sem.92rXGZ (deleted)", "/dev/shm/sem.rAXGZb (deleted)"),
    ],
)
def test_a_suggested_rule_covers_the_thing_in_the_next_run(what: str, again: str) -> None:
    """Inodes, ports and folders for temp files are others then; names that people chose are not."""
    rule = Rule("fds", suggested(what))
    assert rule.covers("fds", Descriptor(3, 1, 1, "file", what))
    assert rule.covers("fds", Descriptor(3, 1, 1, "file", again))
    assert not rule.covers("fds", Descriptor(3, 1, 1, "file", "/srv/v2/other.bin"))
