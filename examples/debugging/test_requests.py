"""Memory grows with each request: a cache that has no bound."""

import functools
import uuid

import pytest


class Page:
    """What was made for an address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.text = bytes(20_000)


leaky_pages: dict[str, Page] = {}


def leaky(address: str) -> Page:
    """Keep each page for ever; hardly one is asked for twice, as addresses name the session."""
    if address not in leaky_pages:
        leaky_pages[address] = Page(address)
    return leaky_pages[address]


@functools.lru_cache(maxsize=32)
def fixed(address: str) -> Page:
    """Keep the pages that were asked for last."""
    return Page(address)


@pytest.fixture
def address() -> str:
    """Return the address that a new session asks for."""
    return f"/page?session={uuid.uuid4()}"


def test_leaky(address: str) -> None:
    """One request."""
    assert leaky(address).address == address


def test_fixed(address: str) -> None:
    """One request."""
    assert fixed(address).address == address
