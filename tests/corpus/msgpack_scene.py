"""Unpack a map whose key is refused, whose value msgpack 1.2.2 kept."""

from contextlib import suppress

import msgpack
from telling import tell

from pytest_ocrleak import assert_no_growth

REFUSED = msgpack.packb({1: b"12345678"})  # a key must be text or bytes, by default


def unpack() -> None:
    """Try to unpack the map."""
    with suppress(ValueError):
        msgpack.unpackb(REFUSED)


tell(lambda: assert_no_growth(unpack))
