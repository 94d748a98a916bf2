"""Children that stay: one is killed, but nobody waits for it."""

import subprocess
import sys

CHILD = [sys.executable, "-c", "print('ready', flush=True); input()"]
children: list[subprocess.Popen[bytes]] = []


def leaky() -> None:
    """Start a child, and kill it."""
    child = subprocess.Popen(CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    children.append(child)
    use(child)
    child.kill()


def fixed() -> None:
    """Start a child, and kill it; the end of the block closes its pipes and waits for it."""
    with subprocess.Popen(CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603
        use(child)
        child.kill()


def use(child: subprocess.Popen[bytes]) -> None:
    """Read what a child says first."""
    assert child.stdout
    assert child.stdout.readline() == b"ready\n"


def test_leaky() -> None:
    """One child."""
    leaky()


def test_fixed() -> None:
    """One child."""
    fixed()
