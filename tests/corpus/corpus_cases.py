"""Real leaks: packages whose changelog says that one was fixed, at both versions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One leak that was published, found and fixed.

    ``meters`` are those that a `LeakError` names with the leaky version, no more and no fewer.
    ``flat`` are meters that must not be called a leak even then, named or not. They may be
    inconclusive: what leaks from Python's own allocator makes its table of arenas grow, which
    lies in the native heap and doubles now and then. From Python ``not_from`` on the leaky
    version does not leak. ``command`` is a program that the scene starts.
    """

    package: str
    leaky: str
    fixed: str
    leaked: str
    changelog: str
    source: str
    meters: frozenset[str]
    flat: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()
    not_from: tuple[int, int] | None = None
    command: str = ""

    @property
    def scene(self) -> str:
        """The script beside this file that uses the package."""
        return f"{self.package.lower()}_scene.py"


CASES = (
    Case(
        "cbor2",
        leaky="5.8.0",
        fixed="5.9.0",
        leaked="the bytes of every string longer than 64 KiB that was decoded",
        changelog="two reference leaks in the C extension's decoder of long strings are fixed",
        source="https://cbor2.readthedocs.io/en/latest/versionhistory.html",
        meters=frozenset({"heap", "pyblocks"}),
    ),
    Case(
        "ujson",
        leaky="5.11.0",
        fixed="5.12.0",
        leaked="the digits of every integer beyond 64 bits that was parsed",
        changelog="parsing large integers leaks memory in 5.4.0 to 5.11.0 (CVE-2026-32874)",
        source="https://github.com/advisories/GHSA-wgvc-ghv9-3pmm",
        meters=frozenset({"heap", "pyblocks"}),
    ),
    Case(
        "msgpack",
        leaky="1.2.2",
        fixed="1.2.3",
        leaked="the value beside every map key that was refused",
        changelog="memory leaks of the C extension where map keys are refused are fixed",
        source="https://github.com/msgpack/msgpack-python/releases/tag/v1.2.3",
        meters=frozenset({"pyblocks"}),
        flat=frozenset({"heap"}),
    ),
    Case(
        "multidict",
        leaky="6.6.3",
        fixed="6.6.4",
        leaked="an object for every entry that was deleted",
        changelog="a memory leak when values are deleted or cleared is fixed",
        source="https://github.com/aio-libs/multidict/issues/1233",
        meters=frozenset({"pyblocks"}),
        flat=frozenset({"heap"}),
    ),
    Case(
        "GitPython",
        leaky="3.1.25",
        fixed="3.1.26",
        leaked="the descriptor of every index that was read",
        changelog="a leaked file descriptor when the index is read is fixed",
        source="https://github.com/gitpython-developers/GitPython/pull/1394",
        meters=frozenset({"fds"}),
        requires=("gitdb==4.0.12", "smmap==5.0.3"),
        command="git",
    ),
    Case(
        "cheroot",
        leaky="11.1.1",
        fixed="11.1.2",
        leaked="a thread of every server that was stopped",
        changelog="the thread that answers “service unavailable” ends with its server again",
        source="https://github.com/cherrypy/cheroot/pull/794",
        meters=frozenset({"threads"}),
        requires=("jaraco.functools==4.6.0", "more-itertools==11.2.1"),
        not_from=(3, 13),
    ),
)
