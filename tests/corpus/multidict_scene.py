"""Delete an entry, of which multidict 6.6.3 kept an object."""

from multidict import CIMultiDict
from telling import tell

from pytest_ocrleak import assert_no_growth


def delete() -> None:
    """Set a header and delete it."""
    headers = CIMultiDict({"Content-Type": "text/plain"})
    del headers["Content-Type"]


tell(lambda: assert_no_growth(delete))
