"""The contract catches an engine for the promise that it breaks, and for no other."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

SUITE = Path(__file__).with_name("broken_engines.py")
Failed = dict[str, dict[str, str]]  # by engine, by test: what is said
# children of other kinds than a fork, and sequences, are tried with the shipped engine
CHILDREN = "Honest or Misreading or OfItsMaker or not child"
CHOSEN = f"({CHILDREN}) and not (spawn or forkserver or sequence)"
RUN = ("pytest", "-p", "pytest_ocrleak.plugin", "-p", "no:cacheprovider", "-k", CHOSEN)
BROKEN: Failed = {
    "Honest": {},
    "Unsorted": {"test_the_listed_models_are_in_the_folder": "an old model"},
    "Misreading": {"test_recognizing_finds_the_text": "is not in '"},
    "Spoilt": {"test_an_unusable_image_leaves_nothing_behind": "is not in ''"},
    "Lying": {
        "test_freeing_gives_everything_back": "kept by the freed object itself",
        "test_ten_engines_in_a_row_leave_nothing": "TestLying.kept[",
        "test_the_folder_is_free_after_freeing": "still open in the folder: /",
    },
    "Accepted": {
        "test_freeing_gives_everything_back": "kept by the freed object itself",
        "test_ten_engines_in_a_row_leave_nothing": "TestAccepted.kept[",
    },
    "Once": {"test_freeing_twice_is_fine": "freed twice"},
    "Reviving": {
        "test_freeing_gives_everything_back": "use after free_resources() did not raise",
        "test_a_freed_engine_refuses": "recognize, list_local, get_local_path did not raise",
        "test_a_context_manager_frees_on_an_error": "DID NOT RAISE",
    },
    "Telling": {"test_a_freed_engine_refuses": "engine, list_local, get_local_path did not raise"},
    "Excused": {"test_a_freed_engine_refuses": "engine, list_local did not raise"},
    "LeavingBad": {"test_an_unusable_image_leaves_nothing_behind": "LeavingBad.read"},
    "LeavingMissing": {"test_a_missing_image_leaves_nothing_behind": "LeavingMissing.read"},
    "Holding": {"test_results_hold_nothing_native": "TestHolding.kept["},
    "OnlyIfWell": {"test_a_context_manager_frees_on_an_error": "DID NOT RAISE"},
    "Registered": {
        "test_an_engine_that_is_dropped_does_not_leak_silently": "class Registered.living["
    },
    "Sharing": {"test_three_engines_side_by_side_leave_nothing": "this engine was freed"},
    "Blurring": {"test_three_engines_side_by_side_leave_nothing": "is not in ''"},
    "Hanging": {"test_threads_may_read_while_another_frees": "a thread hangs"},
    "OfItsMaker": {"test_a_child_process_has_an_engine_of_its_own[fork]": "the child ended with 1"},
}


def test_each_engine_fails_for_what_it_breaks(tmp_path: Path) -> None:
    """The honest one fails no test; of the others' the right ones fail, with what is wrong.

    All contracts are run in one process, and once.
    """
    shutil.copy(SUITE, tmp_path)
    command = [sys.executable, "-m", *RUN, "--junitxml=it.xml", SUITE.name]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: Failed = {}
    for case in ET.parse(tmp_path / "it.xml").iter("testcase"):  # noqa: S314 - written here
        tests = found.setdefault(case.get("classname", "").rpartition("Test")[2], {})
        tests.update({case.get("name", ""): told.text or "" for told in case.iter("failure")})
    assert {engine: set(tests) for engine, tests in found.items()} == {
        engine: set(tests) for engine, tests in BROKEN.items()
    }, found
    for engine, tests in BROKEN.items():
        for name, said in tests.items():
            assert said in found[engine][name]
