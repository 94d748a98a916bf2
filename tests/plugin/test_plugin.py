"""The plugin as users meet it: each test is a suite of its own in a process of its own."""

from typing import Any

import pytest
from reports import valid_report

LEAKY = """
import pytest

kept = []

@pytest.fixture(scope="module")
def engine(ocrleak, tmp_path_factory):
    with ocrleak.guard("engine"):
        path = tmp_path_factory.mktemp("models") / "model.onnx"
        file = path.open("wb")
        yield file
        {free}

def test_uses_it(engine):
    assert not engine.closed
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest on the suite in a process of its own."""
    several = ("-p", "xdist.plugin") if "-n" in arguments else ()
    return pytester.runpytest_subprocess(*several, *arguments)


def report_of(pytester: pytest.Pytester) -> dict[str, Any]:
    """Read the JSON report."""
    return valid_report(pytester.path / "report.json")


def test_installing_it_changes_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite that asks for nothing sees no line of it, even if it leaks."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    pytester.makepyfile("kept = []\ndef test_a(): kept.append(open(__file__))")
    result = run(pytester)
    result.assert_outcomes(passed=1)
    assert (
        "ocrleak" not in result.stdout.str().replace("plugins: ", "").partition("test session")[0]
    )
    assert "checked" not in result.stdout.str()


def test_a_guarded_fixture_that_frees_is_clean(pytester: pytest.Pytester) -> None:
    """All is well in one line, with the meters that could not be read."""
    pytester.makepyfile(LEAKY.format(free="file.close()"))
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ocrleak: 1 checked, 1 clean*"])


def test_a_guarded_fixture_that_leaks_is_an_error_at_its_teardown(
    pytester: pytest.Pytester,
) -> None:
    """The test passed; the fixture's end is the error, and it names guard and file."""
    pytester.makepyfile(LEAKY.format(free="kept.append(file)"))
    result = run(pytester)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_uses_it*",
            "*LeakError: engine leaks (fds 1, 0 allowed):",
            "*model.onnx",
        ]
    )
    result.stdout.fnmatch_lines(["ocrleak: 1 checked, 1 leak*"])


def test_growth_fails_the_test_and_names_the_meter(pytester: pytest.Pytester) -> None:
    """The failed check shows the leak first and then all meters."""
    pytester.makepyfile(
        """
        kept = []

        def leak():
            kept.append(open(__file__))

        def test_steady(ocrleak):
            ocrleak.assert_no_growth(leak)
        """
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*LeakError: leak leaks (fds 1 per run, 0 allowed) after * runs:",
            "*fds: *test_growth_fails*.py ×*",
            "*meter * one-time * growth per run * resolution * verdict",
        ]
    )


@pytest.mark.parametrize("processes", [(), ("-n", "0"), ("-n", "2")])
def test_the_report_has_every_check(pytester: pytest.Pytester, processes: tuple[str, ...]) -> None:
    """The same document from one process and from several."""
    pytester.makepyfile(
        LEAKY.format(free="kept.append(file)")
        + """
def test_steady(ocrleak):
    ocrleak.assert_no_growth(int, track="fds,heap")

def test_released(ocrleak):
    ocrleak.assert_releases(lambda: open(__file__), lambda f: f.read(), free="close", track="fds")
"""
    )
    result = run(pytester, "--ocrleak-report=report.json", *processes)
    result.assert_outcomes(passed=3, errors=1)
    report = report_of(pytester)
    assert report["schema_version"] == 1
    assert report["summary"] == {"checked": 3, "clean": 2, "leak": 1, "inconclusive": 0}
    assert report["environment"]["meters"]["fds"]["available"] is True
    checks = {check["kind"]: check for check in report["checks"]}
    assert set(checks) == {"guard", "growth", "release"}
    assert checks["growth"]["nodeid"].endswith("::test_steady")
    assert set(checks["growth"]["meters"]) == {"fds", "heap"}
    assert checks["growth"]["meters"]["heap"]["unit"] == "B"
    (leak,) = checks["guard"]["leaks"]
    assert leak["what"].endswith("model.onnx")
    assert len(leak["fingerprint"]) == 16
    result.stdout.fnmatch_lines(["ocrleak: 3 checked, 2 clean, 1 leak*"])


def test_a_controller_tells_what_its_workers_checked(pytester: pytest.Pytester) -> None:
    """Also where no option asked for anything."""
    pytester.makepyfile("def test_a(ocrleak): ocrleak.assert_no_growth(int, track='fds')")
    result = run(pytester, "-n", "2")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ocrleak: 1 checked, 1 clean*"])


def test_a_report_is_written_when_nothing_was_checked(pytester: pytest.Pytester) -> None:
    """CI uploads it whatever happened."""
    pytester.makepyfile("def test_a(): pass")
    run(pytester, "--ocrleak-report=report.json").assert_outcomes(passed=1)
    assert report_of(pytester)["summary"]["checked"] == 0


def test_a_report_that_cannot_be_written_is_one_line(pytester: pytest.Pytester) -> None:
    """A file in the folder's place changes no outcome."""
    pytester.makepyfile("def test_a(ocrleak): ocrleak.assert_no_growth(int, track='fds')")
    (pytester.path / "blocked").touch()
    result = run(pytester, "--ocrleak-report=blocked/report.json")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["ocrleak: the report *report.json was not written: *"])


def test_off_checks_nothing(pytester: pytest.Pytester) -> None:
    """The code runs once, the leak passes, and figures can still be asked for."""
    pytester.makepyfile(
        LEAKY.format(free="kept.append(file)")
        + """
def test_steady(ocrleak):
    growth = ocrleak.assert_no_growth(kept.append, object(), tolerance={"heap": 1})
    assert len([k for k in kept if type(k) is object]) == 1
    assert growth["heap"].resolution <= 1024

def test_released(ocrleak):
    ocrleak.assert_releases(lambda: open(__file__), lambda f: f.read(), free=kept.append)

def test_compared(ocrleak):
    before = ocrleak.snapshot()
    kept.append(open(__file__))
    assert ocrleak.compare(before, ocrleak.snapshot()) == []
"""
    )
    result = run(pytester, "--ocrleak-off")
    result.assert_outcomes(passed=4)
    assert "checked" not in result.stdout.str()


def test_strict_fails_what_is_inconclusive(pytester: pytest.Pytester) -> None:
    """A check that cannot answer passes with its reason, and fails under strict."""
    pytester.makepyfile(
        """
        kept, sizes = [], [1000, 64000, 32000, 8000]

        def test_open(ocrleak):
            growth = ocrleak.assert_no_growth(
                lambda: kept.append(bytearray(sizes[len(kept)])), runs=3, track="heap"
            )
            assert growth["heap"].verdict == "inconclusive"
            assert "more time" in growth["heap"].reason
        """
    )
    run(pytester).assert_outcomes(passed=1)
    result = run(pytester, "--ocrleak-strict")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*LeakError: *inconclusive after 4 runs"])


def test_the_ini_file_says_what_is_judged_and_accepted(pytester: pytest.Pytester) -> None:
    """Meters, tolerance and rules for the session."""
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        ocrleak_track = "fds,heap"
        ocrleak_tolerance = ["heap = 1 MB"]
        ocrleak_ignore = ["fds:*/model.onnx  # closed at exit"]
        """
    )
    pytester.makepyfile(
        LEAKY.format(free="kept.append(file)")
        + """
def test_steady(ocrleak):
    growth = ocrleak.assert_no_growth(lambda: kept.append(bytearray(1000)), runs=20)
    assert set(growth) == {"fds", "heap"}
    assert growth["heap"].verdict == "clean"
"""
    )
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ocrleak-track=hep"], "ocrleak_track: 'hep' is no meter: did you mean 'heap'?"),
        (["--ocrleak-report=report.pdf"], "has none of the suffixes .json"),
        (["-o", "ocrleak_ignore=fds"], "is no ignore rule: write 'meter:glob"),
        (["-o", "ocrleak_tolerance=heap=lots"], "'lots' is not a size"),
    ],
)
def test_wrong_values_are_usage_errors(
    pytester: pytest.Pytester, arguments: list[str], says: str
) -> None:
    """One sentence, pytest's exit code for usage, and no test runs."""
    pytester.makepyfile("def test_a(): pass")
    result = run(pytester, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_required_meter_that_is_missing_stops_the_session(pytester: pytest.Pytester) -> None:
    """On a runner without a GPU a check that is about it must not pass unseen."""
    pytester.makepyfile(
        conftest="""
        import ctypes.util, pynvml

        def absent(*_):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

        pynvml.nvmlInit = absent
        """
    )
    pytester.makepyfile("def test_a(): pass")
    result = run(pytester, "--ocrleak-require=gpu", "-p", "conftest")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "gpu cannot be read here: no NVIDIA driver" in result.stderr.str()
    run(pytester, "--ocrleak-require=fds").assert_outcomes(passed=1)


def test_the_options_explain_themselves(pytester: pytest.Pytester) -> None:
    """Each option stands in pytest's help with its meaning."""
    text = run(pytester, "--help").stdout.str()
    for name in ("off", "track", "require", "strict", "report"):
        assert f"--ocrleak-{name}" in text
    for name in ("track", "require", "strict", "ignore", "tolerance"):
        assert f"ocrleak_{name}" in text
