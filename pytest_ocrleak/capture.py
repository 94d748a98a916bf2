"""Keeping pytest's log capture from being blamed on the code that logs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncaptured() -> Iterator[None]:
    """Take pytest's capturing handlers off the root logger for as long as code is repeated.

    They keep every record of a test, which grows with each run that logs. They are known by their
    module: this one needs no pytest.
    """
    root = logging.getLogger()
    taken = [each for each in root.handlers if type(each).__module__ == "_pytest.logging"]
    for handler in taken:
        root.removeHandler(handler)
    try:
        yield
    finally:
        for handler in taken:
            root.addHandler(handler)
