"""Pages as people see them: from literal holdings to text."""

import held

from pytest_ocrleak.cli.pages import changes, overview
from pytest_ocrleak.cli.pages.plain import rendered
from pytest_ocrleak.cli.pages.times import duration
from pytest_ocrleak.cli.process.history import begun, course
from pytest_ocrleak.cli.process.holdings import Child, Mapped, Open, Task

BUSY = held.EMPTY._replace(
    descriptors=(
        *held.files(*["/srv/model.onnx"] * 57),
        *(each._replace(number=90) for each in held.files("/tmp/page", deleted=True)),
        *(held.tcp("CLOSE_WAIT", f"10.0.0.1:{5000 + i}", "10.0.0.9:80", 70 + i) for i in range(3)),
        Open(80, "eventpoll", "anon_inode:[eventpoll]"),
    ),
    mappings=(
        Mapped("private", "", 2, 16 << 20, 12 << 20),
        Mapped("library", "/lib/libssl.so", 4, 700_000, 70_000, deleted=True),
        Mapped("file", "/srv/model.onnx", 1, 9_000_000, 3_000_000),
        Mapped("library", "/lib/libc.so", 4, 900_000, 400_000),
    ),
    threads=(
        *held.EMPTY.threads,
        Task(4300, "worker-0", "D", 0.25, held.NOW - 90),
        Task(4301, "worker-1", "S", 0.5, held.NOW - 30),
    ),
    children=(
        Child(4400, 4242, "sh -c ls", False, 2_000_000, held.NOW - 8),  # noqa: FBT003
        Child(4401, 4242, "sh", True, 0, held.NOW - 9),  # noqa: FBT003
    ),
)
PAGE = """\
== Process 4242, server, of user ann, running for 1 h 6 min
server --port 80

== What looks odd
1 deleted file still open: 4.1 KB of disk until closed
3 sockets in CLOSE_WAIT: the other side closed, this one did not
open ×57: file /srv/model.onnx
1 zombie among its children: ended, but not waited for
1 mapped file deleted or replaced since: a restart takes the new one

== Resident memory: 6.0 MB
made of    resident  share
heap         4.0 MB    67%  ████████████████
libraries    2.0 MB    33%  ████████
Uss 5.0 MB: its own, free when it ends
Pss 5.5 MB: with its share of what others map too
swap 0 B
GPU memory: unavailable (no NVIDIA driver)

== Descriptors: 62 of 1,024 (6%)
count  kind       state       on disk  what
   ×3  socket     CLOSE_WAIT           tcp → 10.0.0.9:80
    1  file       deleted      4.1 KB  /tmp/page
  ×57  file                    4.1 KB  /srv/model.onnx
    1  eventpoll

== Mappings: 27.4 MB of address space
resident   mapped  areas  kind     state    what
 70.0 KB 700.0 KB      4  library  deleted  /lib/libssl.so
 12.6 MB  16.8 MB      2  memory            mapped without a file
  3.0 MB   9.0 MB      1  file              /srv/model.onnx
1 more below 1.0 MB

== Threads: 3
count  name      CPU time        newest  state                         ids
   ×2  worker-*    0.75 s      30 s ago  1 in uninterruptible sleep  4300–4301
    1  server      1.50 s  1 h 6 min ago                             4242

== Children and theirs: 2
count  kind    command   resident   newest  ids
    1  zombie  sh                  9 s ago  4401
    1  child   sh -c ls    2.0 MB  8 s ago  4400"""


def words(text: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in text.splitlines()]


def test_what_a_process_holds() -> None:
    """What is odd comes first, in the page and in each table."""
    assert words(rendered(overview.page(BUSY), 80)) == words(PAGE)


def test_a_wide_terminal_gets_more_columns() -> None:
    """Numbers of descriptors, sizes of areas."""
    text = rendered(overview.page(BUSY), 160)
    assert "3–59" in text
    assert "2 × 8.4 MB" in text


def test_a_narrow_terminal_gets_names_before_anything_else() -> None:
    """Each is whole, without the bars and figures for which there is no room."""
    text = rendered(overview.page(BUSY), 40)
    assert ["heap", "4.0", "MB", "67%"] in words(text)
    assert ["×57", "file", "/srv/model.onnx"] in words(text)
    assert ["70.0", "KB", "deleted", "/lib/libssl.so"] in words(text)
    change = rendered(changes.two(begun(held.EMPTY).then(BUSY)), 40)
    assert ["+57", "fds", "/srv/model.onnx"] in words(change)


def test_long_tables_are_cut() -> None:
    """And say how much more there is."""
    many = held.EMPTY._replace(
        descriptors=tuple(Open(n, f"kind{n}", "") for n in range(20)),
    )
    assert "4 more rows: --json has all" in rendered(overview.page(many), 80)


def test_change_is_told_by_meter_and_by_name() -> None:
    """On a page, in a line, and for programs."""
    history = begun(held.EMPTY).then(BUSY._replace(taken=held.NOW + 30))
    text = rendered(changes.page(history), 80)
    assert "watched for 30 s" in text
    assert ["fds", "62", "+62", "+124", "▁█"] in words(text)
    assert ["+57", "fds", "file", "/srv/model.onnx"] in words(text)
    assert ["-8.4", "MB", "maps", "memory", "heap"] in words(text)
    line = changes.line(history)
    assert "fds 62 (+62)  threads 3 (+2)  processes 2 (+2)" in line
    assert "+3 fds: CLOSE_WAIT socket tcp → 10.0.0.9:80" in "\n".join(
        changes.steps(held.EMPTY, BUSY)
    )
    data = changes.as_data(history)
    assert data["meters"]["threads"] == {
        "now": 3,
        "change": 2,
        "per_minute": 4.0,
        "unit": "threads",
    }
    assert data["appeared"][0]["count"] == 57


def test_no_pace_is_made_up_from_a_moment() -> None:
    """Growth per minute needs some seconds."""
    history = begun(held.EMPTY).then(BUSY._replace(taken=held.NOW + 1))
    assert "growth per minute is told from 10 s on" in rendered(changes.page(history), 80)
    assert changes.as_data(history)["meters"]["fds"]["per_minute"] is None


def test_a_low_terminal_shows_the_names_that_fit() -> None:
    """A few at least, and how many more."""
    history = begun(held.EMPTY).then(BUSY)
    assert "more" in rendered(changes.page(history, 24), 80)
    assert "more" not in rendered(changes.page(history, 60), 80)


def test_the_end_is_told_with_what_was_held_last() -> None:
    """In one sentence."""
    history = begun(held.EMPTY).then(BUSY._replace(taken=held.NOW + 75))
    assert changes.ending(history) == (
        "process 4242 (server) ended, watched for 1 min 15 s; it last had fds 62 (+62),"
        " threads 3 (+2), processes 2 (+2), maps 27.4 MB (+19.0 MB), rss 6.0 MB"
    )


def test_another_process_has_no_pace() -> None:
    """Time between two processes means nothing."""
    other = BUSY._replace(taken=held.NOW + 60, process=BUSY.process._replace(pid=9))
    text = rendered(changes.two(begun(held.EMPTY).then(other)), 80)
    assert "== Process 9, server, against process 4242, server" in text
    assert "growth per minute" not in text


def test_a_course_lies_between_its_own_ends() -> None:
    """The latest of the values, and a line where nothing moves."""
    assert course([0, 1, 2, 4, 7], 4) == "▁▂▅█"
    assert course([5, 5], 9) == "▁▁"


def test_spans_of_time_have_two_units() -> None:
    """The second one only where there is something of it."""
    told = [duration(seconds) for seconds in (-1, 0.9, 59, 60, 61, 3600, 90_061, 1e9)]
    assert told == [
        *("0 s", "0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 d 1 h", "11574 d 1 h"),
    ]
