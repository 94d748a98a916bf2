"""Clean code that turns data from one form into another."""

# ruff: noqa: D103 - a scene's name says what it does
# ruff: noqa: PLC0415 - a scene imports what it needs where it is checked
# ruff: noqa: DTZ001, S314 - its own data, no zones

from importlib import import_module
from itertools import count
from typing import Any

from verdict_bench.scene import Run, clean, seeded

TEXT = "why, and I couldn't make it out no way. " * 40
DATA = TEXT.encode()
XML = "<list>" + "<item name='a'>text</item>" * 30 + "</list>"


@clean("fresh", "repeated")
def json_round(keys: str) -> Run:
    import json

    numbers = count()

    def run() -> Any:
        start = next(numbers) if keys == "fresh" else 0
        return json.loads(json.dumps({f"key {start + n}": [n, None, "x"] for n in range(20)}))

    return run


@clean("pickle", "marshal")
def dumped(module: str) -> Run:
    dumper = import_module(module)
    return lambda: dumper.loads(dumper.dumps({"numbers": list(range(300)), "text": TEXT}))


@clean("gzip", "lzma")
def compressed(module: str) -> Run:
    packer = import_module(module)
    return lambda: packer.decompress(packer.compress(DATA))


@clean("sha256")
def hashed(name: str) -> Run:
    import hashlib

    return lambda: hashlib.new(name, DATA).hexdigest()


@clean()
def uuids() -> Run:
    import uuid

    return lambda: uuid.uuid5(uuid.uuid4(), "name")


@clean()
def csv_round() -> Run:
    import csv
    import io

    def run() -> None:
        file = io.StringIO()
        csv.writer(file).writerows([[n, "text, quoted", None] for n in range(20)])
        file.seek(0)
        list(csv.DictReader(file))

    return run


@clean()
def xml_etree() -> Run:
    from xml.etree import ElementTree as ET

    return lambda: ET.tostring(ET.fromstring(XML))


@clean()
def html_parsed() -> Run:
    from html.parser import HTMLParser

    return lambda: HTMLParser().feed(XML)


@clean()
def email_parsed() -> Run:
    import email

    return lambda: email.message_from_string(f"Subject: leaks\nTo: a@b.c\n\n{TEXT}").as_bytes()


@clean()
def configuration() -> Run:
    import configparser

    return lambda: configparser.ConfigParser().read_string("[part]\nname = value\n")


@clean()
def addresses() -> Run:
    import ipaddress

    return lambda: list(ipaddress.ip_network("10.0.0.0/28").hosts())


@clean()
def text_wrapped() -> Run:
    import textwrap

    return lambda: textwrap.fill(TEXT, 60)


@clean()
def diffs() -> Run:
    import difflib

    one, two = TEXT.split(), TEXT.replace("make", "take").split()
    return lambda: list(difflib.unified_diff(one[:60], two[:60]))


@clean()
def calendars() -> Run:
    import calendar

    return lambda: calendar.TextCalendar().formatmonth(2026, 11)


@clean()
def heaps() -> Run:
    import heapq

    numbers = seeded()
    return lambda: heapq.nsmallest(10, [numbers.random() for _ in range(200)])


@clean()
def templates_filled() -> Run:
    import string

    return lambda: string.Template("$name is $age").substitute(name="Finn", age=13)


@clean("format", "f-string")
def formatted(how: str) -> Run:
    from datetime import datetime

    now, numbers = datetime(2026, 11, 21), count()
    ways: dict[str, Run] = {
        "format": lambda: "{:>10} {:%Y-%m-%d} {:.3f}".format(next(numbers), now, 1 / 3),  # noqa: UP032
        "f-string": lambda: f"{next(numbers):08x} {now!r:>40}",
    }
    return ways[how]


@clean("utf-16", "idna")
def encoded(codec: str) -> Run:
    return lambda: "straße".encode(codec).decode(codec)


@clean()
def normalized() -> Run:
    import unicodedata

    return lambda: unicodedata.normalize("NFD", TEXT + "äöü")


@clean()
def locales() -> Run:
    import locale

    def run() -> None:
        locale.setlocale(locale.LC_ALL, "C")
        locale.localeconv()

    return run


@clean()
def decimals() -> Run:
    import decimal

    def run() -> None:
        with decimal.localcontext() as context:
            context.prec = 50
            decimal.Decimal(2).sqrt()

    return run


@clean()
def deep_copies() -> Run:
    import copy

    nested = {n: [n, {"inner": (n, TEXT)}] for n in range(20)}
    return lambda: copy.deepcopy(nested)


@clean()
def text_in_memory() -> Run:
    import io

    def run() -> None:
        with io.TextIOWrapper(io.BytesIO(), encoding="utf-8") as file:
            file.write(TEXT)
            file.seek(0)
            file.readlines()

    return run
