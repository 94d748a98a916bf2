"""Whatever the kernel, a file or the user hands over: an answer or one sentence, never a crash."""

import contextlib
import io
import os
import signal
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ocrleak_engine.cli import main as engine_main

from pytest_ocrleak.cli.main import main
from pytest_ocrleak.cli.process import proctext
from pytest_ocrleak.meters import areas, elf, fds, gpu, maps, procfs, rss

calm = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
LONG = "9" * 5000  # digits: Python reads 4300 at most
MAPS = """\
55d0c7000000-55d0c7100000 rw-p 00000000 00:00 0                          [heap]
7f10a0000000-7f10a0001000 ---p 00000000 00:00 0
7f10a0001000-7f10a0901000 rw-p 00000000 00:00 0
7f10b4000000-7f10b4001000 r-xp 00000000 fe:00 500                        /models/libm.so
"""
STATUS = "VmRSS:\t 10 kB\nRssAnon:\t    10 kB\nRssFile:\t     4 kB\nTgid:\t7\n"
LIMITS = "Max open files            1024                 4096                 files\n"
STAT = "7 (a) b) S 1 7 7 0 -1 4194560 0 0 0 0 3 4 0 0 20 0 1 0 500 0 0\n"
PIECES = [
    *(MAPS + STATUS + LIMITS + STAT).split(),
    *(" ", "\n", "\t", "-", "(", ")", LONG, "٣", "\x00"),
]
TEXT = st.text(max_size=80) | st.lists(
    st.sampled_from([*PIECES, *f"{MAPS}{STATUS}{LIMITS}{STAT}".splitlines(keepends=True)])
    | st.text(max_size=3),
    max_size=12,
).map(" ".join)


# --- what the kernel tells -------------------------------------------------------------------


@calm
@given(TEXT)
@example("x [heap]\n")
@example(f"VmRSS:\t{LONG} kB\nRssAnon:\t{LONG} kB\nMax open files  {LONG}  {LONG}\n")
@example(f"1-2 rw-p 0 00:00 {LONG} /a\nRss: {LONG} kB\n")
@example("7f10a0901000-7f10a0001000 rw-p 00000000 00:00 0\n")
def test_no_text_of_the_kernel_breaks_a_meter(text: str) -> None:
    """What is no line of its is passed over, and no area has less than nothing."""
    assert set(maps.without_heap(text)) <= set(text)
    named = maps.of_files.__wrapped__(text)
    assert all(file.size >= 0 for file in named.files)
    assert maps.mapped.__wrapped__(text).items
    parts = rss.shares(areas.kinds(areas.parse(text), 8 << 20), 0, 0, 0)
    assert rss.resident(text) >= 0
    assert all(size >= 0 for size in parts.values())
    assert fds.special(text)
    assert isinstance(proctext.limits(text), dict)
    assert all(figure >= 0 for figure in proctext.figures(text).values())
    assert all(mapping.size >= 0 for mapping in proctext.mapped(proctext.areas(text, 0)))


@calm
@given(st.text(max_size=15), st.integers(0, len(STAT)))
@example("", 0)
@example(") S 1 (", len(STAT))
def test_no_stat_file_breaks_a_reader(name: str, length: int) -> None:
    """Whatever a process calls itself; one whose line is cut is one that is gone."""
    line = STAT.replace("a) b", name.encode("utf-8", "replace").decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(line[:length].encode())
        file.flush()
        with contextlib.suppress(ProcessLookupError):
            _, fields = procfs.stat_of(file.name)
            assert (fields[0], procfs.start_of(fields) > 0) == ("S", True)
            assert procfs.cpu_of(fields) > 0


HEADER = struct.Struct("<6s26xQ14xHH")


@calm
@given(
    st.binary(max_size=200)
    | st.builds(
        lambda offset, size, count, rest: HEADER.pack(elf.MAGIC, offset, size, count) + rest,
        st.integers(0, 2**64 - 1) | st.integers(0, 200),
        st.integers(0, 2**16 - 1) | st.just(elf.SEGMENT.size),
        st.integers(0, 2**16 - 1) | st.integers(0, 3),
        st.binary(max_size=200),
    )
)
@example(HEADER.pack(elf.MAGIC, 2**64 - 1, 56, 1))
@example(HEADER.pack(elf.MAGIC, 2**63 - 1, 56, 65535))
@example(HEADER.pack(elf.MAGIC, 0, 65535, 65535))
def test_no_library_breaks_its_reader(content: bytes) -> None:
    """Any file may be mapped with the right to run it; no table of segments adds nothing."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        assert isinstance(elf.zeroed.__wrapped__(file.name), int)


@calm
@given(st.text("0123456789.abc", max_size=20) | st.text(max_size=20), st.text(max_size=30))
def test_no_driver_breaks_the_gpu_meter(version: str, uuid: str) -> None:
    """Its version and its devices' names are text of the driver's."""
    assert gpu.rows_believed(version, "pid:[1]") in {True, False}
    assert "-" not in gpu.digits(uuid)


# --- what files hold -------------------------------------------------------------------------

NUMBERS = st.sampled_from(["1e999", "-1e999", "NaN", "Infinity", LONG, "1e5000", "-0", "1" * 30])


@calm
@given(
    told=NUMBERS | st.integers(1, 3000).map(lambda deep: "[" * deep + "]" * deep),
    whole=st.booleans(),
)
@example(told="[" * 100_000, whole=True)
@example(told='{"a":' * 50_000, whole=False)
def test_no_number_and_no_depth_of_json_breaks_a_command(*, told: str, whole: bool) -> None:
    """Numbers that are none, that fit nowhere, and more brackets than a stack has room for."""
    check = f'{{"kind":"test","name":"a","verdict":"leak","runs":{told},"meters":{{}},"leaks":[]}}'
    report = f'{{"schema_version":1,"checks":[{check}]}}'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.json")
        path.write_text(report if whole else told)
        assert ended(main, ["diff", str(path), str(path)])[0] in {0, 2}
        assert ended(main, ["merge", str(path), "-o", f"{folder}/b.html"])[0] in {0, 1, 2}
        assert not Path(folder, "b.html").exists() or whole


# --- what users type -------------------------------------------------------------------------


def ended(program: Any, argv: list[str]) -> tuple[int, str]:
    """Run a command in here; return its exit code, and what it said to stderr."""
    said = io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    with (
        Path(os.devnull).open("w") as out,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(said),
    ):
        try:
            code = program(argv)
        except SystemExit as done:
            code = done.code
        finally:
            signal.signal(signal.SIGTERM, before)
    return code, said.getvalue()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Work in a folder with a model folder, an image that is none, and reports of both kinds."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "models").mkdir()
    (folder / "models" / "own.onnx").write_bytes(b"mine")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    (folder / "no.json").write_text("[]")
    before = Path.cwd()
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCRLEAK_MODEL_DIR", str(folder / "models"))
        yield folder
    os.chdir(before)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, by its path."""
    return {str(path): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


WORDS = st.text(st.characters(blacklist_characters="\0"), max_size=6) | st.sampled_from(
    ["no.json", "broken.png", "models", "missing", ".", "..", "/", "-", "--", "a" * 300, "\udce9",
     "-1", "0", "4294967296", "٣", LONG, "nan", "-h", "--help", "--json", "--js"]
)  # fmt: skip
PLUGINS = st.sampled_from(
    ["inspect", "watch", "diff", "merge", "run", "-o", "--output", "x.json", "x.html", "x.md",
     "--strict", "--repeat", "--track", "--ignore", "fds", "fds:*  # why", "--interval",
     "2147483647", "3000000000", "python", "python -m", "-m", "-c", "-X", "no/such/script.py"]
)  # fmt: skip
ENGINES = st.sampled_from(
    ["list", "path", "audit", "prune", "recognize", "--prefix", "old_", "own", "--keep",
     "own.onnx", "--backup", "elsewhere", "--dry-run", "--detector", "--recognizer",
     "--max-pixels", "--model-dir=models", "--model-dir=broken.png", "--model-dir="]
)  # fmt: skip


@calm
@given(argv=st.lists(WORDS | PLUGINS, max_size=6))
@example(argv=["run", "--", ""])
@example(argv=["run", "a" * 300])
@example(argv=["inspect", LONG])
@example(argv=["watch", "2147483647", "--interval", "1e999"])
@example(argv=["merge", "no.json", "-o", "\udce9.json"])
def test_any_command_line_of_ocrleak(desk: Path, argv: list[str]) -> None:
    """It ends with a known code, tells why on failing, and writes nothing without an input."""
    before = contents(desk)
    code, said = ended(main, argv)
    assert code in {0, 1, 2}, (code, said)
    assert said or code == 0
    assert "Traceback" not in said
    assert contents(desk) == before


@calm
@given(argv=st.lists(WORDS | ENGINES, max_size=6))
@example(argv=["--model-dir=models", "prune", "--prefix", "own"])
@example(argv=["recognize", "\udce9", "--json"])
@example(argv=["recognize", "broken.png", "--max-pixels", LONG])
@example(argv=["recognize", "broken.png", "--detector", "../own.onnx"])
def test_any_command_line_of_the_engine(desk: Path, argv: list[str]) -> None:
    """The same; without --yes and without a terminal, no model goes."""
    before = contents(desk)
    code, said = ended(engine_main, argv)
    assert code in {0, 1, 2}, (code, said)
    assert said or code == 0
    assert "Traceback" not in said
    assert contents(desk) == before
