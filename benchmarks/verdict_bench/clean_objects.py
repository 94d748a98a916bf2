"""Clean code that makes and drops objects of Python, also such as only the collector finds."""

# ruff: noqa: D103 - a scene's name says what it does
# ruff: noqa: PLC0415 - a scene imports what it needs where it is checked

import contextlib
from collections.abc import Iterator
from itertools import count
from typing import Any

from verdict_bench.scene import Run, clean, seeded


class Node:
    """Something that can be part of a cycle."""

    def __init__(self) -> None:
        self.other: Any = None


class Final(Node):
    """The same with a finalizer."""

    def __del__(self) -> None:
        self.other = None


@clean("list", "object", "finalizer", "closure")
def cycles(of: str) -> Run:
    def run() -> None:
        if of == "list":
            kept: list[Any] = []
            kept.append(kept)
        elif of == "closure":

            def inner() -> Any:
                return inner

        else:
            one, two = (Node(), Node()) if of == "object" else (Final(), Final())
            one.other, two.other = two, one

    return run


@clean()
def exception_caught() -> Run:
    def run() -> None:
        with contextlib.suppress(ZeroDivisionError):
            1 // 0  # noqa: B018 - it is to fail

    return run


@clean()
def exception_kept_with_its_frame() -> Run:
    def run() -> None:
        try:
            raise ValueError("kept")  # noqa: TRY301 - its traceback is what matters
        except ValueError as error:
            kept = error
        kept.add_note("a cycle: the frame holds the error, which holds the frame")

    return run


@clean()
def traceback_formatted() -> Run:
    import traceback

    def run() -> str:
        try:
            raise ValueError("formatted")  # noqa: TRY301 - its traceback is what matters
        except ValueError:
            return traceback.format_exc()

    return run


@clean("ref", "value dictionary", "key dictionary", "finalize")
def weak(kind: str) -> Run:
    import weakref

    values: weakref.WeakValueDictionary[int, Node] = weakref.WeakValueDictionary()
    keys: weakref.WeakKeyDictionary[Node, int] = weakref.WeakKeyDictionary()
    numbers, called = count(), [0]

    def run() -> None:
        node = Node()
        if kind == "ref":
            weakref.ref(node, lambda _: None)()
        elif kind == "value dictionary":
            values[next(numbers)] = node
        elif kind == "key dictionary":
            keys[node] = next(numbers)
        else:
            weakref.finalize(node, called.__setitem__, 0, 1)

    return run


@clean()
def context_variables() -> Run:
    from contextvars import ContextVar, copy_context

    variable: ContextVar[int] = ContextVar("variable")

    def run() -> None:
        token = variable.set(7)
        copy_context().run(variable.get)
        variable.reset(token)

    return run


@clean()
def generators() -> Run:
    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            sum(range(3))

    def run() -> None:
        next(numbers())
        list(numbers())

    return run


@clean("type", "dataclass", "namedtuple", "enum", "abstract")
def class_made(kind: str) -> Run:
    import abc
    import collections
    import dataclasses
    import enum

    ways: dict[str, Run] = {
        "type": lambda: type("Made", (Node,), {"x": 1}),
        "dataclass": lambda: dataclasses.make_dataclass("Made", ["x", "y"], frozen=True)(1, 2),
        "namedtuple": lambda: collections.namedtuple("Made", "x y"),  # noqa: PYI024
        "enum": lambda: enum.Enum("Made", "A B C"),
        "abstract": lambda: isinstance(7, abc.ABCMeta("Made", (), {})),
    }
    return ways[kind]


@clean()
def singledispatch_made() -> Run:
    from functools import singledispatch

    def run() -> None:
        shown = singledispatch(str)
        shown.register(int, hex)
        shown(7)

    return run


@clean("caught", "ignored")
def warning(how: str) -> Run:
    import warnings

    def run() -> None:
        with warnings.catch_warnings(record=how == "caught"):
            warnings.simplefilter("always" if how == "caught" else "ignore")
            warnings.warn("a warning", stacklevel=1)

    return run


@clean(16, 200)
def ring_of_random_bytes(slots: int) -> Run:
    numbers, ring, place = seeded(), [b""] * slots, count()

    def run() -> None:
        ring[next(place) % slots] = bytes(numbers.randrange(20_000))

    return run


@clean()
def bytearray_grown() -> Run:
    numbers = seeded()

    def run() -> None:
        grown = bytearray()
        for _ in range(20):
            grown += bytes(numbers.randrange(500))
        del grown[::2]

    return run


@clean()
def dict_in_and_out() -> Run:
    numbers, kept = seeded(), dict[int, str]()

    def run() -> None:
        number = numbers.randrange(1000)
        if kept.pop(number, None) is None:
            kept[number] = f"value of {number}"

    return run


@clean("rotated", "bounded")
def deques(how: str) -> Run:
    from collections import deque

    numbers = count()
    ring = deque(range(1000), maxlen=1000)
    return (lambda: ring.rotate(7)) if how == "rotated" else (lambda: ring.append(next(numbers)))


@clean()
def arrays_and_views() -> Run:
    from array import array

    numbers = seeded()

    def run() -> None:
        made = array("d", bytes(8 * numbers.randrange(1, 2000)))
        with memoryview(made) as view:
            view[:1].tobytes()

    return run


@clean("same", "random")
def ctypes_buffers(sizes: str) -> Run:
    import ctypes

    numbers = seeded()

    def run() -> None:
        size = numbers.randrange(1, 5000) if sizes == "random" else 1000
        ctypes.create_string_buffer(size)

    return run


@clean()
def ctypes_callback() -> Run:
    import ctypes

    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    library, numbers = ctypes.CDLL(None), (ctypes.c_int * 8)(*range(8))
    return lambda: library.qsort(numbers, 8, 4, compare(lambda _one, _two: 0))


@clean()
def signatures() -> Run:
    import inspect

    return lambda: inspect.signature(inspect.getmembers)


@clean("ast", "compile", "exec")
def source(how: str) -> Run:
    import ast

    text, numbers = "def f{0}(x):\n    return [x + n for n in range(3)]\nf{0}(1)\n", count()

    def run() -> None:
        code = text.format(next(numbers) % 500)
        if how == "ast":
            ast.unparse(ast.parse(code))
        elif how == "compile":
            compile(code, "made", "exec")
        else:
            exec(code, {})  # noqa: S102 - its own text

    return run


@clean("stream", "memory", "file")
def log_handler(kind: str) -> Run:
    import io
    import logging
    import logging.handlers

    logger = logging.getLogger("benchmark")
    logger.propagate = False

    def run() -> None:
        handler: logging.Handler = logging.StreamHandler(io.StringIO())
        if kind == "memory":
            handler = logging.handlers.MemoryHandler(10, target=logging.NullHandler())
        elif kind == "file":
            handler = logging.FileHandler("log.txt")
        logger.addHandler(handler)
        logger.warning("a record of %s", kind)
        logger.removeHandler(handler)
        handler.close()

    return run


@clean()
def loggers_of_one_name() -> Run:
    import logging

    return lambda: logging.getLogger("benchmark.one").debug("never shown")
