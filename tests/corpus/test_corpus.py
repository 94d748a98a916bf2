"""Real leaks are found in the version that has them, and not in the one that was mended.

Each version is installed into an environment of its own, which pytest's cache keeps. Opt in with
``-m corpus``: packages come from PyPI.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpus_cases import CASES, Case
from environments import done, environment

HERE = Path(__file__).parent
Told = dict[str, Any]
Play = Callable[[Case, str], Told]

pytestmark = pytest.mark.corpus
each_case = pytest.mark.parametrize("case", CASES, ids=[case.package for case in CASES])


@pytest.fixture(scope="session")
def play(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Return what plays a case's scene with one version of its package."""
    cache = pytestconfig.cache
    home = cache.mkdir("corpus") if cache else tmp_path_factory.mktemp("corpus")

    def played(case: Case, version: str) -> Told:
        if case.command and not shutil.which(case.command):
            pytest.skip(f"there is no {case.command}")
        pins = (f"{case.package}=={version}", *case.requires)
        name = f"{case.package}-{version}"
        python = environment(home, name, pins, "--only-binary", case.package)
        return output(python, case.scene)

    return played


def output(python: Path, scene: str) -> Told:
    """Play a scene and return what it told."""
    told: Told = json.loads(done(str(python), str(HERE / scene)))
    return told


def verdicts(told: Told) -> dict[str, str]:
    """Return each meter's verdict, of those that can be read here."""
    found = {name: growth["verdict"] for name, growth in told["meters"].items()}
    return {name: verdict for name, verdict in found.items() if verdict != "unavailable"}


@each_case
def test_a_leaky_version_is_found(case: Case, play: Play) -> None:
    """The meters that the leak shows on are named, and no others."""
    if case.not_from and sys.version_info >= case.not_from:
        pytest.skip(f"{case.package} {case.leaky} does not leak on this Python")
    told = play(case, case.leaky)
    assert {leak["meter"] for leak in told["leaks"]} == case.meters, told
    assert not [name for name in case.flat if verdicts(told)[name] == "leak"], told


@each_case
def test_a_mended_version_is_clean(case: Case, play: Play) -> None:
    """Every meter that can be read is clean: inconclusive is not."""
    told = play(case, case.fixed)
    assert verdicts(told), told
    assert set(verdicts(told).values()) == {"clean"}, told
