"""A leak that only workers have: a lock between them is let go, but not closed."""

import fcntl
import os
from pathlib import Path

import pytest


def leaky(folder: Path) -> str:
    """Make the words, or read those that another worker has made."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.lockf(lock, fcntl.LOCK_EX)
    text = made(folder / "words")
    fcntl.lockf(lock, fcntl.LOCK_UN)
    return text


def fixed(folder: Path) -> str:
    """Make the words, or read those that another worker has made."""
    with (folder / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        return made(folder / "words")


def made(path: Path) -> str:
    """Make the words unless they are there."""
    if not path.exists():
        path.write_text("alpha beta", encoding="utf8")
    return path.read_text(encoding="utf8")


@pytest.fixture(scope="session")
def words(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, worker_id: str
) -> str:
    """Return the words, made once for all workers."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id == "master":
        return made(folder / "words")
    return {"leaky": leaky, "fixed": fixed}[request.param](folder.parent)


@pytest.mark.parametrize("words", ["leaky"], indirect=True)
def test_leaky(words: str) -> None:
    """Read them."""
    assert words.split()


@pytest.mark.parametrize("words", ["fixed"], indirect=True)
def test_fixed(words: str) -> None:
    """Read them."""
    assert words.split()
