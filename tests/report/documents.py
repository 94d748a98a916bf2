"""Reports' documents as the plugin writes them, made of literals."""

from typing import Any

Data = dict[str, Any]

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></details><!--",
    "{{ 7 * 7 }}{% raw %}",
    "a|b`c``d\\|e",
    "@octocat #1 https://example.com",
    "line\nbreak\r\n\n| x |\n# y",
    "\x1b[31m\u202egnp.exe\u2028\x00",
    "bytes \udcff\ud800",
    "x" * 5000,
    "   ",
    "&lt;b&gt; &amp;",
    "名前 ОК é 🦀",
)
UNITS = {
    "fds": "descriptors",
    "maps": "B",
    "threads": "threads",
    "processes": "processes",
    "heap": "B",
    "pyblocks": "blocks",
    "rss": "B",
    "tempfiles": "files",
    "gpu": "B",
}
ENVIRONMENT: Data = {
    "python": "3.12.4",
    "platform": "Linux-6.8.0-45-generic-x86_64-with-glibc2.39",
    "allocator": "glibc 2.39",
    "meters": {
        **{name: {"available": True, "source": f"/proc/self/{name}"} for name in UNITS},
        "gpu": {"available": False, "reason": "no NVIDIA driver"},
    },
}
PARTS = {
    "heap in use": 53_800_000.0,
    "heap free but retained": -11_400_000.0,
    "libraries": 196_600.0,
    "thread stacks": 131_072.0,
    "Python's arenas": 1_048_576.0,
    "mapped without a file": -20_480.0,
}
WARM = [2_412_544.0, 80_128.0, 96.0]  # what first uses leave


def meter(name: str, verdict: str = "clean", **more: Any) -> Data:
    """Return what a meter said."""
    said = {"per_run": 0.0, "low": 0.0, "high": 0.0, "resolution": 1.0, "one_time": 0.0}
    told = {"series": [], "unit": UNITS.get(name, "B"), "parts": {}, "accepted": 0.0, "batches": []}
    return {"verdict": verdict, **said, **told, **more}


def once() -> dict[str, Data]:
    """Return what the meters say of one clean pass."""
    bytes_ = ("heap", "pyblocks", "rss")
    unjudged = {"reason": "one pass cannot tell a first use from a leak", "series": [4096.0]}
    told = {name: meter(name, series=[0.0], batches=[1]) for name in UNITS}
    told |= {name: meter(name, "unjudged", **unjudged, batches=[1]) for name in bytes_}
    return told | {"gpu": meter("gpu", "unavailable", reason="no NVIDIA driver")}


def again(**more: Data) -> dict[str, Data]:
    """Return what the meters say of a clean check that was repeated."""
    still = {"series": [*[1.0] * 2, *[0.0] * 10], "batches": [2] * 12}
    told = {name: meter(name, **still) for name in UNITS}
    told["heap"] = meter("heap", **grown(WARM, 0.0, 9), resolution=8_800.0)
    told["rss"] = meter("rss", **grown(WARM, 0.0, 9), resolution=569_300.0, parts=PARTS)
    return told | {"gpu": meter("gpu", "unavailable", reason="no NVIDIA driver"), **more}


def grown(first: list[float], each: float, times: int) -> Data:
    """Return the figures of a meter that grows by about the same each run."""
    steps = [(each * (1 + 0.04 * (place % 5 - 2))) * 2 for place in range(times)]
    rates = {"per_run": each, "low": each * 0.96, "high": each * 1.05, "one_time": sum(first)}
    early = [once + each for once in first]
    return {**rates, "series": [*early, *steps], "batches": [1] * len(first) + [2] * times}


def leak(name: str, what: str, count: int = 1, **more: Any) -> Data:
    """Return a leak."""
    told = {"meter": name, "what": what, "count": count, "per_run": 1.0}
    return {**told, "opened_at": [], "kept_by": [], "fingerprint": "52e26211613ac852", **more}


def check(nodeid: str, verdict: str = "clean", kind: str = "test", **more: Any) -> Data:
    """Return a check."""
    name = nodeid.rpartition("::")[2]
    plain = {"nodeid": nodeid, "kind": kind, "name": name, "verdict": verdict, "runs": 1}
    return {**plain, "meters": once(), "leaks": [], **more}


def document(checks: list[Data], **more: Any) -> Data:
    """Return a report on checks."""
    verdicts = [each["verdict"] for each in checks]
    counts = {name: verdicts.count(name) for name in ("clean", "leak", "inconclusive")}
    known = sum(bool(leak.get("known")) for each in checks for leak in each["leaks"])
    return {
        "schema_version": 1,
        "tool": {"name": "pytest-ocrleak", "version": "0.1.0"},
        "created": "2026-11-21T22:03:05+00:00",
        "environment": ENVIRONMENT,
        "checks": checks,
        "summary": {"checked": len(checks), **counts, "known": known},
        **more,
    }


ENGINE = check(
    "tests/test_engine.py::test_reads_a_page",
    "leak",
    "fixture",
    name="engine",
    scope="module",
    leaks=[
        leak(
            "fds",
            "/srv/models/ppocrv6_tiny_det.onnx",
            3,
            opened_at=[
                "app/engine.py:31 in Engine.load",
                "app/engine.py:12 in Engine.__init__",
                "tests/conftest.py:18 in engine",
                "during test_reads_a_page",
            ],
            kept_by=["module app.engine → _cache['ocr'] → Session.file"],
            fingerprint="9f2c4be07a1d6e35",
        ),
        leak(
            "threads",
            "native thread without a name",
            4,
            opened_at=["app/engine.py:40 in Engine.load", "inside onnxruntime.InferenceSession"],
            fingerprint="c4a7d4db1569dc98",
        ),
    ],
)
SESSION = check(
    "tests/test_session.py::test_run_frees_its_arena",
    "leak",
    runs=27,
    meters=again(
        heap=meter("heap", "leak", **grown(WARM, 13_400_000.0, 12), resolution=20_300.0),
        rss=meter("rss", "leak", **grown([3_100_000.0], 9_800_000.0, 13), parts=PARTS),
        pyblocks=meter(
            "pyblocks",
            "inconclusive",
            **grown([210.0], 62.7, 13),
            resolution=616.0,
            reason="it grows ever more slowly, as caches do: more time would tell",
        ),
    ),
    leaks=[
        leak(
            "heap",
            "grows by 13.4 MB per run",
            per_run=13_400_000.0,
            kept_by=["module app.session → class Session.inputs[9] → onnxruntime.NodeArg"],
            fingerprint="a4e70ff13a83c632",
        ),
        leak("rss", "grows by 9.8 MB per run", per_run=9_800_000.0, fingerprint="00c2f1be2e4d3a17"),
    ],
    allocations={"heap": ["13.4 MB  onnxruntime::BFCArena::Extend", "         Engine.run:52"]},
)
POOL = check(
    "tests/test_pool.py::test_closes[4-workers]",
    "leak",
    leaks=[
        leak(
            "fds",
            "socket:[2994359]",
            2,
            known=True,
            remark="known: the pool keeps two sockets, until 2027-02-19",
            fingerprint="0e97e51a42c76f81",
        )
    ],
)
EXPIRED = check(
    "tests/test_pool.py::test_reopens",
    "leak",
    kind="guard",
    name="pool",
    leaks=[
        leak(
            "tempfiles",
            "/tmp/ocr-pages-*/page.png",
            1,
            opened_at=["app/pages.py:77 in Pages.split", "tests/test_pool.py:20 in test_reopens"],
            remark="its entry in the baseline expired on 2026-01-01",
            fingerprint="1593819358b33605",
        )
    ],
)
OPEN = check(
    "tests/test_text.py::test_reads_slowly",
    "inconclusive",
    runs=64,
    meters=again(
        heap=meter(
            "heap",
            "inconclusive",
            **grown(WARM, 310.0, 14),
            reason="12 readings rise and stand still: more runs or time would tell",
        )
    ),
)


def small() -> Data:
    """Return a report in which there is some of everything."""
    clean = [check(f"tests/test_text.py::test_reads[page-{number}]") for number in range(28)]
    steady = [
        check("tests/test_text.py::test_steady", kind="growth", name="Engine.read", runs=27)
        | {"meters": again()},
        check("tests/test_text.py::test_frees", kind="release", name="Engine", runs=27)
        | {"meters": again()},
    ]
    notes = ["ocrleak: 1 entry of baseline.json was not used: fds socket:[*] in tests/test_old.py"]
    return document([*clean, ENGINE, SESSION, *steady, POOL, EXPIRED, OPEN], notes=notes)


def hostile() -> Data:
    """Return a report in which every name is somebody's attempt at breaking it, and partial."""
    checks = [
        check(f"tests/test_x.py::{name}", "leak", kind=kind, name=name, scope=name)
        | {
            "meters": again(
                fds=meter("fds", reason=name),
                heap=meter("heap", "inconclusive", **grown([1.0], 1.0, 9), reason=name),
                **{name: meter(name, "leak", unit=name, **grown([1.0], 1.0, 9))},
            ),
            "runs": 20 if kind == "test" else 1,
            "allocations": {name: [name, "  indented"]} if kind == "test" else {},
            "leaks": [
                leak(meter_name, name, opened_at=[name, name], kept_by=[name], remark=name)
                | {"fingerprint": name, "known": bool(number % 3 == 0)}
                for meter_name in ("fds", name)
            ],
        }
        for number, name in enumerate(HOSTILE)
        for kind in ("test", "fixture", "guard")
    ]
    odd = {**ENVIRONMENT, "python": HOSTILE[0], "meters": {HOSTILE[1]: {"reason": HOSTILE[2]}}}
    told = {"notes": list(HOSTILE), "partial": HOSTILE[0], "environments": [ENVIRONMENT, odd]}
    return document(checks, environment=odd, **told)
