"""Whose is what an asynchronous body opens: an event loop does not close what it watches."""

from collections.abc import Callable
from inspect import cleandoc

import pytest

Run = Callable[..., pytest.RunResult]
Suite = Callable[[str], None]
Leaking = set[tuple[str, str]]
Judged = Callable[[], tuple[dict[str, int], Leaking]]

LOOPS = """
    import asyncio, inspect, os, sys
    import pytest, pytest_asyncio

    kept = []
    new = "loop_scope" in inspect.signature(pytest_asyncio.fixture).parameters
    scope = os.environ["SCOPE"]
    pytestmark = pytest.mark.asyncio(**{"loop_scope" if new else "scope": scope})

    def fixture(function):
        wide = {"scope": scope, **({"loop_scope": scope} if new else {})}
        return pytest_asyncio.fixture(**wide)(function)

    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport
        def data_received(self, data):
            self.transport.write(data)

    async def serve():
        return await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)

    async def handle(reader, writer):
        while data := await reader.read(9):
            writer.write(data)
        writer.close()

    async def connect(server):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        return writer
"""


@pytest.fixture(params=["function", "module"])
def suite(
    request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Suite:
    """Write a suite of asynchronous tests, whose event loop is each one's own or the module's."""
    monkeypatch.setenv("SCOPE", request.param)

    def write(body: str) -> None:
        pytester.makepyfile(f"{cleandoc(LOOPS)}\n\n{cleandoc(body)}")

    return write


@pytest.fixture
def judged(run: Run, leaking: Callable[[], Leaking]) -> Judged:
    """Run the suite, and return the outcomes of the tests and what leaks."""

    def told() -> tuple[dict[str, int], Leaking]:
        always = ("--ocrleak", "--ocrleak-report=report.json")
        outcomes = run(*always, plugins=("asyncio",)).parseoutcomes()
        tests = {name: outcomes[name] for name in ("passed", "failed") if name in outcomes}
        # pytest-asyncio 0.23 leaves loops of its own
        return tests, {each for each in leaking() if "event_loop" not in each[1]}

    return told


def test_a_body_is_charged_with_what_its_event_loop_does_not_close(
    suite: Suite, judged: Judged
) -> None:
    """A server, a connection and a pipe that are kept, or that only the loop knows."""
    suite(
        """
        async def test_server():
            kept.append(await serve())

        async def test_nobodys_server():
            await serve()

        async def test_connection():
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            kept.append(await connect(server))
            server.close()

        async def test_pipe():
            ends = os.pipe()
            kept.append({"ends": str(ends)})
            asyncio.get_running_loop().add_reader(ends[0], print)

        async def test_last():
            pass
        """
    )
    bodies = {"test_server", "test_nobodys_server", "test_connection", "test_pipe"}
    assert judged() == ({"passed": 1, "failed": 4}, {("test", name) for name in bodies})


def test_what_a_loop_has_yet_to_close_is_no_leak(suite: Suite, judged: Judged) -> None:
    """The other ends of connections, transports that are closing, its executor, its tasks."""
    suite(
        """
        async def test_tasks():
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            (await connect(server)).close()
            server.close()

        async def test_protocols():
            server = await serve()
            (await connect(server)).close()
            server.close()

        async def test_executor():
            await asyncio.get_running_loop().run_in_executor(None, int)

        async def test_task():
            async def works():
                with open(os.devnull):
                    await asyncio.sleep(100)

            asyncio.get_running_loop().forgotten = asyncio.create_task(works())
            await asyncio.sleep(0)

        async def test_child():
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
            await child.wait()

        async def test_last():
            pass
        """
    )
    assert judged() == ({"passed": 6}, set())


def test_what_an_asynchronous_fixture_holds_is_the_fixtures(suite: Suite, judged: Judged) -> None:
    """The ends of connections that its server accepted, a pool's connections and children."""
    suite(
        """
        @fixture
        async def protocols():
            server = await serve()
            yield server
            server.close()

        @fixture
        async def tasks():
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            yield server
            server.close()

        @fixture
        async def pool():
            made = []
            yield made
            for each in made:
                each.close()

        @fixture
        async def children():
            made = []
            yield made
            for each in made:
                each.stdin.close()
                await each.wait()

        @fixture
        async def background():
            server = await serve()
            made = []

            async def works():
                while True:
                    made.append(await connect(server))
                    await asyncio.sleep(0.001)

            task = asyncio.create_task(works())
            yield
            task.cancel()
            server.close()
            for each in made:
                each.close()

        async def test_protocols(protocols, pool):
            pool.append(await connect(protocols))

        async def test_tasks(tasks, pool):
            pool.append(await connect(tasks))

        async def test_child(children):
            pipe = asyncio.subprocess.PIPE
            made = await asyncio.create_subprocess_exec("cat", stdin=pipe)
            children.append(made)

        async def test_background(background):
            await asyncio.sleep(0.01)

        async def test_again(protocols, tasks, pool):
            pool.append(await connect(protocols))
            pool.append(await connect(tasks))
        """
    )
    assert judged() == ({"passed": 5}, set())


def test_the_loop_in_which_anyio_runs_tests(
    pytester: pytest.Pytester, run: Run, leaking: Callable[[], Leaking]
) -> None:
    """It lives on with a wider fixture, and does not close what a body leaves there either."""
    pytester.makepyfile(
        """
        import asyncio
        import anyio.to_thread, pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        async def serve():
            return await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)

        class Echo(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport = transport
            def data_received(self, data):
                self.transport.write(data)

        async def connect(server):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"x")
            assert await reader.read(1) == b"x"
            return writer

        @pytest.fixture(scope="module")
        async def pool():
            server, made = await serve(), []
            yield server, made
            for each in made:
                each.close()
            server.close()

        async def test_pool(pool):
            pool[1].append(await connect(pool[0]))

        async def test_thread(pool):
            await anyio.to_thread.run_sync(int)

        async def test_closes(pool):
            server = await serve()
            (await connect(server)).close()
            server.close()

        async def test_leaks(pool):
            await serve()

        async def test_last(pool):
            pass
        """
    )
    result = run("--ocrleak", "--ocrleak-report=report.json", plugins=("anyio",))
    result.assert_outcomes(passed=4, failed=1)
    assert leaking() == {("test", "test_leaks")}
