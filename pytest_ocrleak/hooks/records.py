"""The log records that pytest keeps of the test that runs, with all that they refer to.

What a record was made of (arguments, a traceback with its frames) lives as long as the record does,
which pytest drops when the test is over.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.logging import caplog_records_key

HANDLERS = ("caplog_handler", "report_handler")


def kept(item: pytest.Item) -> Iterator[list[Any]]:
    """Yield the lists of records: those of each phase, and those for the report."""
    yield from item.stash.get(caplog_records_key, {}).values()
    plugin = item.config.pluginmanager.getplugin("logging-plugin")
    for name in HANDLERS:
        yield getattr(getattr(plugin, name, None), "records", [])


def let_go(item: pytest.Item) -> None:
    """Drop the records of a test whose fixtures have ended; the text for the report stays."""
    for records in kept(item):
        records.clear()
