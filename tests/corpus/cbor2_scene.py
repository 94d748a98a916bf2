"""Decode a long string, which cbor2 5.8.0 kept in part."""

import cbor2
from telling import tell

from pytest_ocrleak import assert_no_growth

LONG = cbor2.dumps("a" * 100_000)  # decoded in pieces of 64 KiB

tell(lambda: assert_no_growth(cbor2.loads, LONG))
