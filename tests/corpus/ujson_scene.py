"""Parse an integer beyond 64 bits, whose digits ujson 5.11.0 kept."""

import ujson
from telling import tell

from pytest_ocrleak import assert_no_growth

DIGITS = "1" + "0" * 1000  # beyond the 512 bytes that Python's own allocator holds

tell(lambda: assert_no_growth(ujson.loads, DIGITS))
