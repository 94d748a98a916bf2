"""What keeps an object alive: each kind of holding, what cannot be seen, and no trace of it."""

import ctypes
import gc
import itertools
import json
import re
import sys
import time
import types
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ocrleak.causes.chains import told
from pytest_ocrleak.causes.keepers import MOST, NATIVE, UNSEEN, Search, chain

BEGIN = """
import asyncio, atexit, contextvars, functools, sys, threading, weakref

class Engine:
    def close(self):
        pass

def made():
    global weak
    engine = Engine()
    weak = weakref.ref(engine)
    return engine

"""
LOAD = "def load():\n    f = made()\n    raise ValueError\n"
KINDS = {
    "global": ("engine = made()", "module app → engine"),
    "dict": ("_cache = {'k': [1, (made(),)]}", "module app → _cache['k'][1][0]"),
    "set": ("engines = {made()}", "module app → engines[…]"),
    "dict subclass": (
        "import collections\nengines = collections.OrderedDict({(1, None): made()})",
        "module app → engines[(1, None)]",
    ),
    "attribute": (
        "class Holder: pass\n_cache = {'k': Holder()}\n_cache['k'].engine = made()",
        "module app → _cache['k'] → Holder.engine",
    ),
    "attribute in a dict of its own": (
        "class Holder: pass\nholder = Holder()\nvars(holder)['engine'] = made()",
        "module app → holder → Holder.engine",
    ),
    "slot": (
        "class Holder: __slots__ = ('engine',)\nholder = Holder()\nholder.engine = made()",
        "module app → holder → Holder.engine",
    ),
    "default argument": (
        "def load(x, acc=made()): pass",
        "module app → function load, default argument 'acc'",
    ),
    "keyword default": (
        "def load(*, acc=made()): pass",
        "module app → function load, default argument 'acc'",
    ),
    "globals of no module": (
        "space = {'acc': made()}\nexec('def f(): pass', space)\nf = space.pop('f')\ndel space",
        "module app → function f, global 'acc'",
    ),
    "closure": (
        "def outer(x):\n    def load(): return x\n    return load\nload = outer(made())",
        "module app → closure variable 'x' of load",
    ),
    "class attribute": (
        "Engine.registry = {'k': made()}",
        "module app → class Engine.registry['k']",
    ),
    "lru_cache": (
        "@functools.lru_cache\ndef load(k): return made()\nload(1)",
        "module app → lru_cache of load",
    ),
    "cache": (
        "@functools.cache\ndef load(k): return made()\nload(1)",
        "module app → lru_cache of load",
    ),
    "thread-local": (
        "own = threading.local()\nown.x = made()",
        "module app → own → thread-local value 'x'",
    ),
    "context variable": (
        "variable = contextvars.ContextVar('v')\ntoken = variable.set(made())",
        "context variable 'v'",
    ),
    "exception": (
        LOAD + "try:\n    load()\nexcept ValueError as error:\n    last = error",
        "module app → last → exception ValueError → traceback → frame load, app.py:16 → local 'f'",
    ),
    "cause": (
        "last = KeyError()\nlast.__cause__ = ValueError(made())",
        "module app → last → exception KeyError.__cause__ → exception ValueError.args[0]",
    ),
    "cycle": (
        "a, b = Engine(), Engine()\na.b, b.a, b.engine, ring = b, a, made(), [a]\ndel a, b",
        "module app → ring[0] → Engine.b → Engine.engine",
    ),
    "bound method": (
        "callback = made().close",
        "module app → callback → bound method Engine.close",
    ),
    "callback registry": (
        "callbacks = [print, functools.partial(print, made())]",
        "module app → callbacks[1] → partial.args[0]",
    ),
    "generator": (
        "def life():\n    held = made()\n    yield\nrunning = life()\nnext(running)",
        "module app → running → generator life → local 'held'",
    ),
    "variable of a generator that its functions use": (
        "def life(held):\n    yield lambda: held\nrunning = life(made())\nnext(running)",
        "module app → running → generator life → local 'held'",
    ),
    "property": (
        "class Book:\n    @property\n    def page(self, acc=made()): pass",
        "module app → class Book.page → property.fget → function Book.page, default argument 'acc'",
    ),
    "atexit": (
        "atexit.register(made().close)",
        "something that Python's collector does not know → bound method Engine.close",
    ),
    "garbage": ("engine = made()\nengine.me = engine\ndel engine", ""),
}


@contextmanager
def app(code: str) -> Iterator[Any]:
    """Run a module of that code; `weak` in it refers to the object in question."""
    module = types.ModuleType("app")
    sys.modules["app"] = module
    try:
        exec(compile(BEGIN + code, "/somewhere/app.py", "exec"), vars(module))  # noqa: S102
        yield module
    finally:
        vars(module).clear()
        del sys.modules["app"]


def kept(get: Callable[[], Any], seconds: float = 60, clock: Any = time.perf_counter) -> str:
    """Return what keeps an object that nothing here refers to; an `assert` would."""
    return chain(get(), seconds, clock)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_holding_has_its_words(kind: str) -> None:
    """From a module to the object, whatever lies between them."""
    code, words = KINDS[kind]
    with app(code) as module:
        assert kept(module.weak) == words
        if kind == "atexit":
            module.atexit.unregister(module.weak().close)


def test_what_has_gone_is_kept_by_nothing() -> None:
    """Neither what a dead weak reference gives, nor what only the question keeps."""
    with app("made()") as module:
        assert chain(module.weak()) == ""
        assert kept(module.made) == ""


def test_a_suspended_coroutine_keeps_its_variables() -> None:
    """As generators do."""
    code = """
class Never:
    def __await__(self):
        yield

async def work():
    held = made()
    await Never()

waiting = work()
waiting.send(None)
"""
    with app(code) as module:
        assert kept(module.weak) == "module app → waiting → coroutine work → local 'held'"
        module.waiting.close()


def test_a_variable_of_a_running_function_keeps_it() -> None:
    """Its frame is told with the line and the thread."""
    target = type("Engine", (), {})()
    found = chain(target)
    line = sys._getframe().f_lineno - 1
    assert found == (
        "frame test_a_variable_of_a_running_function_keeps_it, "
        f"test_keepers.py:{line}, thread MainThread → local 'target'"
    )


def test_a_thread_keeps_what_it_runs() -> None:
    """The variables of its frames, and what its object refers to."""
    code = """
begun, over = threading.Event(), threading.Event()

def load(engine):
    begun.set()
    over.wait()

def start():
    global of_thread
    thread = threading.Thread(target=load, args=[made()], name="loader")
    thread.mark = Engine()
    of_thread = weakref.ref(thread.mark)
    thread.start()
    return thread.join

join = start()
"""
    with app(code) as module:
        join = module.join
        module.begun.wait()
        del module.join
        frame, thread = kept(module.weak), kept(module.of_thread)
        module.over.set()
        join()
    assert re.sub(r":\d+", "", frame) == "frame load, app.py, thread loader → local 'engine'"
    assert thread == "thread loader → mark"


def test_a_module_lives_by_itself() -> None:
    """As does a thread: nothing needs to lead to it."""
    assert kept(lambda: json) == "module json"


def test_an_exception_that_is_handled_keeps_its_frames() -> None:
    """Though no variable refers to it."""
    with app(LOAD) as module:
        try:
            module.load()
        except ValueError:
            found = kept(module.weak)
    assert found == (
        "handled in thread MainThread → exception ValueError → traceback "
        "→ frame load, app.py:16 → local 'f'"
    )


def test_of_a_file_the_outermost_layer_counts() -> None:
    """Nobody knows the layers by name."""
    with app(f"_open = [open({__file__!r})]") as module:
        assert kept(lambda: module._open[0].buffer.raw) == "module app → _open[0]"
        module._open[0].close()


@pytest.mark.parametrize("holding", ["{'k': bytearray(1)}", "{'k': (bytearray(1), 1)}"])
def test_containers_that_the_collector_does_not_know_are_found(holding: str) -> None:
    """It knows no dict or tuple that holds nothing but bytes, numbers or native objects."""

    def inner(holder: Any) -> Any:
        value = holder["k"]
        return value[0] if type(value) is tuple else value

    with app(f"class Holder: pass\nholder = Holder()\nholder.data = {holding}") as module:
        gc.collect()
        place = "['k'][0]" if "1)," in holding else "['k']"
        found = kept(lambda: inner(module.holder.data))
        assert found == f"module app → holder → Holder.data{place}"


def test_such_a_container_may_be_a_variable() -> None:
    """Then nothing but a frame leads to it."""
    code = """
def load(kept):
    pages = {'k': bytearray(1)}
    return kept([pages['k']].pop)
"""
    with app(code) as module:
        assert module.load(kept).endswith("thread MainThread → local 'pages'['k']")


def test_what_native_code_keeps_is_not_known() -> None:
    """That is said; and what is known from there on."""
    with app("made().inner = Engine()") as module:
        inner = kept_natively(module.Engine, lambda each: each)
        outer = kept_natively(module.Engine, lambda each: vars(each)["inner"])
    assert inner.startswith("nothing that Python's collector knows: native code, ")
    assert outer == "something that Python's collector does not know → Engine.inner"


def natively(weak: Callable[[], Any]) -> str:
    """Ask for an object that has one more reference, from nowhere."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(weak()))
    try:
        return kept(weak)
    finally:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(weak()))


def kept_natively(kind: Any, part: Callable[[Any], Any]) -> str:
    """Ask for an object, or a part of it, that has a reference from nowhere."""
    engine = kind()
    engine.inner = kind()
    weak = weakref.ref(engine)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
    del engine
    try:
        return kept(lambda: part(weak()))
    finally:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(weak()))


def test_a_search_that_is_cut_tells_what_it_knows() -> None:
    """By time between levels, and by the number of holders."""
    with app("ring = [[[made()]]]") as module:
        ticks = itertools.count()
        found = kept(module.weak, seconds=2, clock=lambda: next(ticks))
        assert found == "… → list[0] (search cut after 2 s)"
        assert kept(module.weak, seconds=0) == "… (search cut after 0 s)"
    with app(f"me = made()\nme.me = [[me] for _ in range({MOST + 1})]\ndel me") as module:
        found = kept(module.weak)
    assert re.sub(r"\d+]", "n]", found) == f"… → list[n][n] (search cut at {MOST} holders)"


def test_a_module_is_found_behind_more_holders_than_are_followed() -> None:
    """What lives by itself comes first, though the collector tells of young holders first."""
    with app("hub = made()") as module:
        gc.collect()
        holders = [[module.hub] for _ in range(MOST * 2)]
        found = kept(module.weak)
    assert len(holders) > MOST
    assert found == "module app → hub"


HOSTILE = """
def refuse(*arguments):
    raise AssertionError("asked")

class Refusing(type):
    __getattribute__ = __instancecheck__ = __subclasscheck__ = __repr__ = refuse

class Hostile(metaclass=Refusing):
    __slots__ = ("slot", "__dict__", "__weakref__")
    __getattribute__ = __getattr__ = __repr__ = __eq__ = __bool__ = __len__ = __iter__ = refuse
    __class__ = property(refuse)
    __hash__ = object.__hash__

class Table(dict):
    __getitem__ = __iter__ = __len__ = __repr__ = __eq__ = items = keys = get = refuse

class Row(list):
    __getitem__ = __iter__ = __len__ = __repr__ = __eq__ = index = refuse

class Proxy:
    __slots__ = ("wrapped",)
    __class__ = property(lambda self: dict)
    __getattr__ = lambda self, name: getattr(self.wrapped, name)

def hostile(name, value):
    each = Hostile()
    object.__setattr__(each, name, value)
    return each

table = Table()
dict.__setitem__(table, Hostile(), Row([hostile("slot", hostile("session", made()))]))
proxy = Proxy()
proxy.wrapped = Engine()
"""


def test_no_code_of_the_user_runs() -> None:
    """Objects that refuse every question are told all the same, and a proxy is what it is."""
    with app(HOSTILE) as module:
        words = "module app → table[Hostile][0] → Hostile.slot → Hostile.session"
        assert kept(module.weak) == words
        assert kept(lambda: module.proxy.wrapped) == "module app → proxy → Proxy.wrapped"
        assert kept(lambda: dict.popitem(module.table)[1]) == ""


plain = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
keys = st.lists(plain | st.tuples(plain, plain), min_size=1, max_size=4)


@settings(max_examples=15)
@given(keys)
def test_the_words_lead_to_the_object(path: list[Any]) -> None:
    """Through any plain keys, unless they are shortened."""
    with app("engine = made()") as module:
        for each in path:
            module.engine = {each: [module.engine]}
        found = kept(module.weak)
        assert found.startswith("module app → engine[")
        if "…" not in found:
            assert eval(found.partition(" → ")[2], vars(module)) is module.weak()  # noqa: S307


@pytest.mark.parametrize("key", ["k" * 99, 10**9999, Path("k"), (Path("k"),)], ids=type)
def test_long_and_unknown_keys_are_not_shown_in_full(key: Any) -> None:
    """Of a key with code of its own only the type."""
    with app("engines = {}") as module:
        module.engines[key] = module.made()
        found = kept(module.weak)
    assert found in {
        f"module app → engines['{'k' * 38}…]",
        *(f"module app → engines[{kind}]" for kind in ("int", type(key).__name__)),
    }


@pytest.mark.parametrize("kind", ["attribute", "exception", "generator"])
def test_nothing_stays_behind(kind: str) -> None:
    """The object goes once nothing else keeps it, and the search leaves no garbage."""
    with app(KINDS[kind][0]) as module:
        weak, made = module.weak, module.made
        gc.collect()
        gc.disable()
        try:
            counts = [(sys.getrefcount(weak()), bool(kept(weak))) for _ in range(3)]
            kept(made)
            kept(lambda: Search)
            last, garbage = module.weak(), gc.collect()
        finally:
            gc.enable()
        assert len(set(counts)) == 1
        assert last is None
        assert garbage == 0


def test_a_frame_that_was_looked_at_lets_go() -> None:
    """Its variables go when it lets go of them, and what `locals()` gave stays as it is."""
    code = """
def load(kept):
    engine, mine = made(), locals()
    found = kept(weak)
    del engine
    return found, weak(), mine
"""
    with app(code) as module:
        found, engine, mine = module.load(kept)
    assert "→ local 'engine'" in found
    assert engine is None or mine.get("engine") is engine
    assert mine["kept"] is kept


def test_what_is_only_handed_on_counts_for_nothing(request: pytest.FixtureRequest) -> None:
    """Variables of pytest and of the plugin keep nothing; objects of pytest do, by their names."""
    code = """
__name__ = "_pytest.somewhere"

def hand_on(kept):
    argument = made()
    arguments = {"engine": argument}
    return kept(weak)
"""
    with app(code) as module:
        assert module.hand_on(kept) == ""
        vars(module)["__name__"] = "pytest_ocrleak.somewhere"
        assert module.hand_on(kept) == ""
        assert module.hand_on(natively) == NATIVE
        vars(module)["__name__"] = "app"
        assert "→ local 'argument'" in module.hand_on(kept)
        request.node.engine = module.made()
        found = kept(module.weak)
        del request.node.engine
    assert f"test {request.node.name}.engine" in found


def test_a_fixture_goes_by_its_name(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Users know it so, and not by the type that pytest has for it."""
    fixture: Any = request._get_active_fixturedef("tmp_path")
    assert told([fixture, fixture.cached_result, tmp_path]) == "fixture tmp_path.cached_result[0]"


def test_a_frozen_heap_is_not_looked_at() -> None:
    """Which is why it must be thawed before the question."""
    with app("engines = [made()]") as module:
        gc.freeze()
        try:
            frozen = kept(module.weak)
        finally:
            gc.unfreeze()
        assert frozen == UNSEEN  # it may be in what is frozen, and native code has no part in it
        assert kept(module.weak) == "module app → engines[0]"
