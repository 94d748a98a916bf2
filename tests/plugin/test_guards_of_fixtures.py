"""A guard around a fixture's life blames it for its own: not for what wider fixtures have yet."""

from collections.abc import Callable
from textwrap import dedent

import pytest

Run = Callable[..., pytest.RunResult]
EITHER = pytest.mark.parametrize("options", [(), ("--ocrleak",)], ids=["alone", "watched"])
GUARDED = """
    import mmap, os, sqlite3, subprocess, sys, tempfile, threading
    import pytest

    KEPT = []

    class Engine:
        pass

    @pytest.fixture(scope="module")
    def engine(ocrleak):
        with ocrleak.guard("engine"):
            engine = Engine()
            yield engine
            engine.ended = True

    def test_first(engine):
        pass
"""
WIDER = """
    @pytest.fixture(scope="session")
    def file():
        with open(__file__) as file:
            yield file

    @pytest.fixture(scope="session")
    def number_that_nothing_holds():
        name = str(os.open(__file__, os.O_RDONLY))
        yield
        os.close(int(name))

    @pytest.fixture(scope="session")
    def thread():
        over = threading.Event()
        thread = threading.Thread(target=over.wait)
        thread.start()
        yield
        over.set()
        thread.join()

    @pytest.fixture(scope="session")
    def child():
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            yield child

    @pytest.fixture(scope="session")
    def mapping(file):
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as area:
            yield area

    @pytest.fixture(scope="session")
    def folder():
        with tempfile.TemporaryDirectory() as folder:
            yield folder

    def test_second(engine, file, number_that_nothing_holds, thread, child, mapping, folder):
        pass
"""
POOL = """
    @pytest.fixture(scope="session")
    def db():
        pool = []
        yield pool
        for file in pool:
            file.close()

    {before}

    def test_asks_for_more(engine, db):
        db.append(open(__file__))
"""
OWN = {
    "held by the guarded": "engine.file = open(__file__)",
    "held by a global": "KEPT.append(open(__file__))",
    "held by nothing": "os.open(__file__, os.O_RDONLY)",
}


@EITHER
def test_what_a_wider_fixture_opened_is_its_own(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...]
) -> None:
    """It was first asked for while the guard stood, and lives on when that ends."""
    pytester.makepyfile(test_it=dedent(GUARDED) + dedent(WIDER))
    result = run(*options)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["ocrleak: * clean*"])


@EITHER
def test_what_a_living_fixture_is_given_is_its_own(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...]
) -> None:
    """A pool that was set up while the guard stood holds what a later test put in it."""
    before = "def test_second(engine, db): pass"
    pytester.makepyfile(test_it=dedent(GUARDED) + dedent(POOL.format(before=before)))
    run(*options).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("options", "errors"), [((), 1), (("--ocrleak",), 0)], ids=["alone", "watched"]
)
def test_an_older_fixture_is_known_only_where_all_are_watched(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...], errors: int
) -> None:
    """A guard may stand around the use of what is older, and is there to see what that keeps."""
    older = dedent(GUARDED).replace("test_first(engine)", "test_first(db, engine)")
    pytester.makepyfile(test_it=older + dedent(POOL.format(before="")))
    run(*options).assert_outcomes(passed=2, errors=errors)


@EITHER
@pytest.mark.parametrize("keeps", OWN.values(), ids=OWN)
def test_a_leak_of_its_own_is_an_error_yet(
    pytester: pytest.Pytester, run: Run, keeps: str, options: tuple[str, ...]
) -> None:
    """Also beside a wider fixture that has a native object, behind which things may hide."""
    leaking = dedent(GUARDED).replace("engine.ended = True", keeps)
    wider = """
        @pytest.fixture(scope="session")
        def db():
            connection = sqlite3.connect(":memory:")
            yield connection
            connection.close()

        def test_second(engine, db):
            pass
    """
    pytester.makepyfile(test_it=leaking + dedent(wider))
    result = run(*options)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*LeakError: engine leaks (fds 1, 0 allowed):"])


@EITHER
def test_what_the_guarded_took_in_a_test_is_its_own(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...]
) -> None:
    """The guard is told of it where the watch hands it to the fixture, too."""
    takes = "\ndef test_second(engine):\n    engine.file = open(__file__)\n"
    pytester.makepyfile(test_it=dedent(GUARDED) + takes)
    result = run(*options)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*LeakError: engine leaks (fds 1, 0 allowed):"])


@EITHER
def test_a_leak_of_its_own_after_the_wider_one_opened_the_same(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...]
) -> None:
    """Of a file that is mapped already, and by both of them, the wider one's bytes are left out."""
    maps = "mmap.mmap(os.open(__file__, os.O_RDONLY), 0, prot=mmap.PROT_READ)"
    leaking = dedent(GUARDED).replace("engine.ended = True", f"KEPT.append({maps})")
    leaking = leaking.replace("KEPT = []", f"KEPT = [{maps}]")
    wider = f"""
        @pytest.fixture(scope="session")
        def db():
            yield {maps}

        def test_second(engine, db):
            pass
    """
    pytester.makepyfile(test_it=leaking + dedent(wider))
    result = run(*options)
    result.stdout.fnmatch_lines(["*LeakError: engine leaks (fds 2, *; maps 4.1 KB, *):"])


def test_a_guard_in_a_test_sees_what_a_living_fixture_takes(
    pytester: pytest.Pytester, run: Run
) -> None:
    """That is what it is there for; a fixture that is set up within it is left out."""
    pytester.makepyfile(
        test_it=dedent(GUARDED)
        + dedent("""
        @pytest.fixture
        def other():
            with open(__file__) as file:
                yield file

        def test_takes(engine, ocrleak):
            with ocrleak.guard("use"):
                engine.file = open(__file__)

        def test_sets_up(request, ocrleak):
            with ocrleak.guard("set-up"):
                request.getfixturevalue("other")
        """)
    )
    result = run("-k", "takes or sets_up", "--ocrleak-track=fds")
    result.stdout.fnmatch_lines(["E*LeakError: use leaks (fds 1, 0 allowed):"])
    assert result.parseoutcomes()["passed"] == 1
    assert "set-up leaks" not in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "blamed"),
    [((), {"passed": 2, "errors": 1}), (("--ocrleak",), {"passed": 1, "failed": 1})],
    ids=["alone", "watched"],
)
def test_a_tests_leak_is_told_once(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...], blamed: dict[str, int]
) -> None:
    """Where the test itself is told of it, the guards around it are not."""
    leaking = "\ndef test_second(engine):\n    KEPT.append(open(__file__))\n"
    pytester.makepyfile(test_it=dedent(GUARDED) + leaking)
    assert run(*options).parseoutcomes() == blamed
