"""What the README shows is what its commands print."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "prove_release.py"
README = (ROOT / "README.md").read_text("utf8")
PROOF, SUITE = re.findall(
    r"^```bash\n.*?^```\n\n```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
)


def shape(text: str) -> list[str]:
    """Return the lines of an output without its figures, and without the rows of rss and gpu.

    Figures and their units change from run to run, these rows with the machine. What a meter
    that does not leak says beside one that does depends on how soon the leak was plain.
    """
    plain = re.sub(r"-?\d[\d.,]*( [KMG]?B\b| blocks)?", "N", text)
    plain = re.sub(
        r"(clean|inconclusive|unjudged)( \(.*\))?$", "no leak", plain, flags=re.MULTILINE
    )
    lines = (re.sub(r"[ ]+", " ", line).strip() for line in plain.splitlines())
    return [line for line in lines if not line.startswith(("gpu", "rss"))]


def test_the_first_commands_output_is_shown(proof: str) -> None:
    """Text, a clean table, and the leak by name, line by line."""
    text, clean, caught = proof.split("\n== ")
    assert "spiritual gifts" in text
    assert "clean" in clean
    assert not re.search("leak|inconclusive|unjudged", clean)
    assert "CarelessEngine leaks (threads " in caught
    assert shape(PROOF) == shape(proof)


def test_an_image_that_is_not_there_is_one_sentence() -> None:
    """Who tries an image of their own may mistype its path."""
    command = [sys.executable, EXAMPLE, "no/such.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "prove_release.py: 'no/such.png' is not there; check the path\n"


def test_the_second_commands_output_is_shown(request: pytest.FixtureRequest) -> None:
    """The last lines of a whole run: the gate's line and pytest's own, with its number of tests."""
    gate, counts = SUITE.splitlines()[-2:]
    assert re.fullmatch(
        r"ocrleak: (\d+) checked, \1 clean · heap ±.+/run · gpu unavailable .+", gate
    )
    shown = re.fullmatch(r"=+ (\d+) passed.* in .+ =+", counts)
    assert shown
    if not request.config.args[1:] and request.config.args[0].endswith("tests"):
        assert int(shown[1]) == pytest.approx(request.session.testscollected, rel=0.1)


def test_there_are_two_commands() -> None:
    """One to see the main job, one to pass the tests; each stands alone on one line."""
    commands = re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)


def test_the_example_code_is_the_examples() -> None:
    """The Python shown for users compiles, and names what exists."""
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert all(compile(block, "README.md", "exec").co_names for block in blocks)
    assert "ocrleak.guard" in blocks[0]
