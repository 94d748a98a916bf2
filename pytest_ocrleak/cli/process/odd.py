"""What a person should look at first: pure rules over what a process holds."""

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_ocrleak.cli.pages.words import plural
from pytest_ocrleak.cli.process import naming
from pytest_ocrleak.cli.process.holdings import Holdings, Open
from pytest_ocrleak.cli.process.naming import Name
from pytest_ocrleak.sizes import human

NEARLY = 0.8  # share of the descriptor limit from which on it is close
SAME = 10  # descriptors of one file from which on they are too many
CROWD = 100  # descriptors without a file, or threads of one name
SWAPPED = 0.1  # share of the memory that lies in swap
CLOSE_WAIT = "CLOSE_WAIT"


def sights(held: Holdings) -> list[str]:
    """Return a sentence for each thing that looks odd."""
    return [
        *near_the_limit(held),
        *deleted_files(held),
        *half_closed(held),
        *crowds(held),
        *zombies(held),
        *deleted_mappings(held),
        *swapped(held),
    ]


def near_the_limit(held: Holdings) -> Iterator[str]:
    """Tell when few descriptors are left."""
    used, soft = len(held.descriptors), held.limit.soft
    if soft and used >= NEARLY * soft:
        yield f"{used:,} of {soft:,} descriptors are in use: at the limit, opening fails"


def deleted_files(held: Holdings) -> Iterator[str]:
    """Tell of files that are open and have no name any more."""
    files = [each for each in held.descriptors if each.deleted]
    if files:
        size = human(on_disk(files))
        yield f"{plural(len(files), 'deleted file')} still open: {size} of disk until closed"


def on_disk(found: Iterable[Open]) -> int:
    """Return the bytes of files, each file once."""
    return sum({(each.device, each.inode): each.size for each in found}.values())


def half_closed(held: Holdings) -> Iterator[str]:
    """Tell of sockets that the other side closed."""
    waiting = sum(each.state == CLOSE_WAIT for each in held.descriptors)
    if waiting:
        yield f"{plural(waiting, 'socket')} in CLOSE_WAIT: the other side closed, this one did not"


def crowds(held: Holdings) -> Iterator[str]:
    """Tell what there is very often, the most frequent first."""
    descriptors = Counter(naming.of_descriptors(held.descriptors))
    threads = Counter(map(naming.of_thread, held.threads))
    for name, count in (descriptors + threads).most_common():
        if count >= (SAME if name.kind in ("file", "folder") else CROWD):
            yield crowd(name, count)


def crowd(name: Name, count: int) -> str:
    """Return the sentence on what there is very often."""
    if name.meter == "threads":
        return f"{count:,} threads of the name {name.what}"
    what = " ".join(part for part in (name.state, name.kind, name.what) if part)
    return f"open ×{count:,}: {what}"


def zombies(held: Holdings) -> Iterator[str]:
    """Tell of children that nobody waited for."""
    count = sum(child.zombie for child in held.children)
    if count:
        yield f"{plural(count, 'zombie')} among its children: ended, but not waited for"


def deleted_mappings(held: Holdings) -> Iterator[str]:
    """Tell of mapped files that were deleted or replaced."""
    paths = {mapping.path for mapping in held.mappings if mapping.deleted}
    if paths:
        many = plural(len(paths), "mapped file")
        yield f"{many} deleted or replaced since: a restart takes the new one"


def swapped(held: Holdings) -> Iterator[str]:
    """Tell when much of the memory is in swap."""
    memory = held.memory
    if memory.swap and memory.swap >= SWAPPED * (memory.resident + memory.swap):
        yield f"{human(memory.swap)} of its memory are in swap"
