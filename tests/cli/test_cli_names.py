"""What things are called, what is folded, and what looks odd: on literals."""

import held
import pytest

from pytest_ocrleak.cli.pages.words import bar, listed, percent
from pytest_ocrleak.cli.process import naming, odd
from pytest_ocrleak.cli.process.holdings import Child, Holdings, Limit, Mapped, Memory, Open, Task
from pytest_ocrleak.cli.process.naming import Name


def names(*descriptors: Open) -> list[str]:
    """Return what some descriptors are called."""
    return [name.what for name in naming.of_descriptors(descriptors)]


def test_connections_are_named_by_what_they_have_in_common() -> None:
    """A server's clients have their port in common, a client's connections the far end."""
    assert names(
        held.tcp("LISTEN", "0.0.0.0:80"),
        held.tcp("ESTABLISHED", "10.0.0.1:80", "10.0.0.7:51000"),
        held.tcp("CLOSE_WAIT", "10.0.0.1:51001", "10.0.0.9:5432"),
        Open(6, "socket", "unix", local="/run/x.sock"),
        Open(7, "socket", ""),
    ) == [
        "tcp 0.0.0.0:80",
        "tcp 10.0.0.1:80 ← clients",
        "tcp → 10.0.0.9:5432",
        "unix /run/x.sock",
        "without an address",
    ]


def test_what_has_no_path_is_named_by_its_kind() -> None:
    """Inode numbers tell nobody anything."""
    assert names(
        Open(3, "pipe", "pipe:[77]"),
        Open(4, "eventpoll", "anon_inode:[eventpoll]"),
        Open(5, "memfd", "/memfd:cache"),
    ) == ["", "", "cache"]


def test_threads_are_named_without_their_numbers() -> None:
    """A pool's threads have one name."""
    named = naming.of_thread(Task(1, "ocr-worker-12", "S", 0.0, 0.0))
    assert named == Name("threads", "thread", "ocr-worker-*")


def test_many_files_of_a_folder_are_one_row() -> None:
    """Few stay apart, and so do many in two folders."""
    few = [Name("fds", "file", f"/a/{index}") for index in range(4)]
    many = [Name("fds", "file", f"/b/{index}") for index in range(5)]
    far = [Name("fds", "file", f"/tmp/t{index}/model") for index in range(5)]
    shown = naming.folded([*few, *many, *far])
    assert {shown[name].what for name in few} == {name.what for name in few}
    assert {shown[name].what for name in many} == {"/b/*"}
    assert {shown[name].what for name in far} == {"/tmp/*/model"}


def test_libraries_are_never_folded() -> None:
    """Which one it is matters, however many there are."""
    libraries = [Name("maps", "library", f"/lib/{index}.so") for index in range(9)]
    assert naming.folded(libraries) == {name: name for name in libraries}


ODD = {
    "900 of 1,024 descriptors": {"descriptors": held.files(*(f"/f/{i}" for i in range(900)))},
    "2 deleted files still open: 8.2 KB": {"descriptors": held.files("/a", "/b", deleted=True)},
    "1 deleted file still open: 4.1 KB": {"descriptors": held.files("/a", deleted=True)},
    "1 socket in CLOSE_WAIT": {"descriptors": (held.tcp("CLOSE_WAIT", "a:1", "b:2"),)},
    "open ×57: file /m.onnx": {"descriptors": held.files(*["/m.onnx"] * 57)},
    "100 threads of the name w*": {
        "threads": tuple(Task(i, f"w{i}", "S", 0.0, 0.0) for i in range(100))
    },
    "1 zombie among its children": {"children": (Child(7, 4242, "sh", True, 0, 0.0),)},  # noqa: FBT003
    "1 mapped file deleted": {"mappings": (Mapped("library", "/lib/x.so", 4, 9, deleted=True),)},
    "1.0 MB of its memory are in swap": {"memory": Memory(1_000_000, 1_000_000, {})},
}


@pytest.mark.parametrize("sentence", ODD)
def test_what_is_odd_is_told(sentence: str) -> None:
    """One planted thing, one sentence."""
    (told,) = odd.sights(held.EMPTY._replace(**ODD[sentence]))
    assert told.startswith(sentence)


def test_what_is_usual_is_not_odd() -> None:
    """A process that holds little, and one without a limit."""
    plenty: Holdings = held.EMPTY._replace(limit=Limit(0, 0), descriptors=held.files("/a", "/b"))
    assert odd.sights(held.EMPTY) == odd.sights(plenty) == []


def test_a_file_on_disk_counts_once() -> None:
    """However often it is open."""
    assert odd.on_disk(held.files("/a", "/a", "/b")) == 2 * 4096


def test_numbers_are_told_as_ranges() -> None:
    """And the last one, where there are too many."""
    assert listed([5, 3, 4, 9]) == "3–5 9"
    assert listed(range(0, 40, 2)) == "0 2 4 6 8 10 12 14 … 38"
    assert listed([]) == ""


def test_shares() -> None:
    """What is there is seen, as small as it may be."""
    assert (percent(1, 3), percent(1, 1000), percent(0, 9), percent(1, 0)) == (
        "33%",
        "<1%",
        "0%",
        "",
    )
    assert (bar(1, 1), bar(1, 10**9), bar(0, 9), bar(1, 0)) == ("█" * 24, "▏", "", "")


def test_a_number_that_was_given_out_again_is_another_process() -> None:
    """A second is what the system may correct its start by, and a number takes longer to return."""
    who = held.EMPTY.process
    assert who.is_same(who._replace(started=who.started + 1))
    assert not who.is_same(who._replace(started=who.started + 60))
    assert not who.is_same(who._replace(pid=1))
