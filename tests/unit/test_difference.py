"""Comparing snapshots of literal values."""

from pytest_ocrleak.difference import between, fingerprint, lingering, tally
from pytest_ocrleak.ignore import Rule
from pytest_ocrleak.inventory import (
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
    assert tally("threads", ["T-1", "T-2", "U-1"]) == {"T-1": 2, "U-1": 1}


def test_a_leak_names_what_and_how_often() -> None:
    """Leaks are grouped by name, most of them first."""
    things = [Descriptor(n, 1, n, "file", "/a" if n < 8 else "/b") for n in range(5, 9)]
    found = between(seen("fds"), seen("fds", *things))
    assert [(leak.what, leak.count) for leak in found] == [("/a", 3), ("/b", 1)]


def test_a_fingerprint_ignores_what_changes_from_run_to_run() -> None:
    """Ids and addresses are left out, names and meters are not."""
    assert fingerprint("fds", "socket:[1234]") == fingerprint("fds", "socket:[99]")
    assert fingerprint("fds", "/a") != fingerprint("fds", "/b")
    assert fingerprint("fds", "/a") != fingerprint("maps", "/a")
