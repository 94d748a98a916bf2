"""Clean code that takes memory at first: lazy imports, and caches of a bounded size."""

# ruff: noqa: D103 - a scene's name says what it does
# ruff: noqa: PLC0415 - a scene imports what it needs where it is checked

from importlib import import_module
from itertools import count, cycle
from typing import Any

from verdict_bench.scene import Run, clean, seeded

LAZY = (
    "asyncio",
    "csv",
    "decimal",
    "difflib",
    "email.message",
    "fractions",
    "http.client",
    "jinja2",
    "json",
    "logging.config",
    "multiprocessing.pool",
    "numpy",
    "pydoc",
    "sqlite3",
    "ssl",
    "statistics",
    "tarfile",
    "unittest.mock",
    "xml.dom.minidom",
    "zoneinfo",
)


@clean(*LAZY)
def lazy_import(module: str) -> Run:
    def run() -> None:
        import_module(module)

    return run


@clean(1, 16, 128, 1024, 10_000)
def lru_cache_fresh_keys(maxsize: int) -> Run:
    from functools import lru_cache

    keys, cached = count(), lru_cache(maxsize)(str)
    return lambda: cached(next(keys))


@clean(16, 128, None)
def lru_cache_repeated_keys(maxsize: int | None) -> Run:
    from functools import lru_cache

    keys, cached = cycle(range(100)), lru_cache(maxsize)(str)
    return lambda: cached(next(keys))


@clean()
def lru_cache_random_keys() -> Run:
    from functools import lru_cache

    numbers, cached = seeded(), lru_cache(maxsize=128)(bytes)
    return lambda: cached(numbers.randrange(1000))


@clean(2000)
def ordered_dict_as_cache(size: int) -> Run:
    from collections import OrderedDict

    keys = count()
    cache: OrderedDict[int, bytes] = OrderedDict()

    def run() -> None:
        cache[next(keys)] = bytes(200)
        if len(cache) > size:
            cache.popitem(last=False)

    return run


@clean()
def re_fresh_patterns() -> Run:
    import re

    numbers = count()
    return lambda: re.compile(rf"(\w+)-{next(numbers)}").match("word-7")


@clean(1, 300)
def re_repeated_patterns(patterns: int) -> Run:
    import re

    numbers = cycle(range(patterns))
    return lambda: re.compile(rf"(\w+)-{next(numbers)}").match("word-7")


@clean()
def fnmatch_repeated() -> Run:
    import fnmatch

    names = cycle(f"*.{number}" for number in range(50))
    return lambda: fnmatch.filter(["a.1", "b.2"], next(names))


@clean("fresh", "repeated")
def struct_formats(which: str) -> Run:
    import struct

    numbers = count() if which == "fresh" else cycle([1, 2, 3])
    return lambda: struct.calcsize(f"<{next(numbers)}i2d")


@clean("fresh", "repeated")
def strptime_formats(which: str) -> Run:
    import time

    numbers = count() if which == "fresh" else cycle([1])

    def run() -> None:
        mark = next(numbers)
        time.strptime(f"2026-11-21 {mark}", f"%Y-%m-%d {mark}")

    return run


@clean("fresh", "repeated")
def urlsplit(which: str) -> Run:
    from urllib.parse import urlsplit

    numbers = count() if which == "fresh" else cycle(range(10))
    return lambda: urlsplit(f"https://example.org/{next(numbers)}?query=1#part")


@clean("fresh", "repeated")
def jinja_templates(which: str) -> Run:
    import jinja2

    environment = jinja2.Environment(autoescape=True)
    numbers = count() if which == "fresh" else cycle([1])

    def run() -> object:
        source = f"{{% for x in xs %}}{{{{ x }}}}{{% endfor %}} {next(numbers)}"
        return environment.from_string(source).render(xs=range(5))

    return run


@clean(1, 30, 600)
def jinja_loaded_templates(templates: int) -> Run:
    import jinja2

    loader = jinja2.DictLoader({f"{n}.html": f"page {n} {{{{ x }}}}" for n in range(templates)})
    environment = jinja2.Environment(loader=loader, autoescape=True)
    names = cycle(f"{n}.html" for n in range(templates))
    return lambda: environment.get_template(next(names)).render(x="text")


@clean()
def typing_subscripts() -> Run:
    from typing import Literal, Optional

    numbers = count()

    def run() -> Any:
        return Optional[Literal[next(numbers)]]  # noqa: UP045

    return run


@clean()
def zones() -> Run:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    names = cycle(["Europe/Berlin", "Asia/Tokyo", "America/New_York"])
    now = datetime.now(UTC)
    return lambda: now.astimezone(ZoneInfo(next(names)))
