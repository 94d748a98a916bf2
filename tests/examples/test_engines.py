"""Other people's engines are under the contract what their suites in ``examples/engines`` say.

Each suite runs in an environment of its own, which pytest's cache keeps. Opt in with
``-m corpus``: packages come from PyPI.
"""

import shutil
from pathlib import Path

import pytest
from environments import done, environment

ENGINES = Path(__file__).parents[2] / "examples" / "engines"
NAMES = [path.stem for path in sorted(ENGINES.glob("*.txt"))]
PATIENCE = 1800.0  # seconds: three sessions of RapidOCR, again and again, on a busy machine


def test_each_suite_has_its_requirements() -> None:
    """And each of them is exact."""
    assert {f"test_{name}" for name in NAMES} == {path.stem for path in ENGINES.glob("test_*.py")}
    lines = [line for name in NAMES for line in (ENGINES / f"{name}.txt").read_text().splitlines()]
    assert all(line.count("==") == 1 for line in lines), lines


@pytest.mark.corpus
@pytest.mark.parametrize("name", NAMES)
def test_an_engine_does_what_its_suite_says(
    name: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A finding that is gone, or a new one, fails: then a version does something else."""
    if name == "tesserocr" and not shutil.which("tesseract"):
        pytest.skip("there are no language files: Debian's tesseract-ocr has some")
    cache = pytestconfig.cache
    home = cache.mkdir("corpus") if cache else tmp_path_factory.mktemp("corpus")
    pins = (ENGINES / f"{name}.txt").read_text("utf8").split()
    python = environment(home, f"engine-{name}", pins)
    suite = str(ENGINES / f"test_{name}.py")
    said = done(str(python), "-m", "pytest", "-p", "no:cacheprovider", suite, seconds=PATIENCE)
    assert " passed" in said
