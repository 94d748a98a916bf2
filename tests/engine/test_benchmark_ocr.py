"""The OCR benchmark's own parts: its score, its images, its page. Nothing is timed here."""

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from PIL import ImageFont

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a module of the benchmark."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: import_module(f"ocr_bench.{name}")


@pytest.fixture
def score(bench: Callable[[str], ModuleType]) -> ModuleType:
    """Return the scoring module."""
    return bench("score")


@pytest.fixture
def render(bench: Callable[[str], ModuleType]) -> ModuleType:
    """Return the drawing module."""
    return bench("render")


@pytest.mark.parametrize(
    ("printed", "folded"),
    [
        ("two\n  lines\t", "two lines"),
        ("“quoted” ‘so’ ''and so''", '"quoted" \'so\' "and so"'),
        ("1884—1885 – or -- so", "1884-1885 - or - so"),
        ("• first\n• second", "first second"),
        ("account ; why ?", "account; why?"),
        ("cafe\u0301", "café"),
    ],
)
def test_fold_leaves_out_matters_of_taste(score: ModuleType, printed: str, folded: str) -> None:
    """Quotes, dashes, bullets and white space are written in one way; letters stay."""
    assert score.fold(printed) == folded


@pytest.mark.parametrize(
    ("truth", "read", "edits"),
    [
        ("kitten", "sitting", (3, 6)),
        ("same text", "same\ntext", (0, 9)),
        ("gone", "", (4, 4)),
        ("Case", "case", (1, 4)),
    ],
)
def test_edits_on_literals(
    score: ModuleType, truth: str, read: str, edits: tuple[int, int]
) -> None:
    """Insertions, deletions and replacements count one each, over the truth's length."""
    pytest.importorskip("rapidfuzz")
    assert score.edits(truth, read) == edits


def test_error_rate_weighs_by_length(score: ModuleType) -> None:
    """Ten characters all right and one all wrong are one in eleven."""
    assert score.error_rate([(0, 10), (1, 1)]) == pytest.approx(1 / 11)


def test_a_drawing_is_the_same_every_time(render: ModuleType) -> None:
    """Every look draws the same pixels for a seed, and looks with noise others for another."""
    font = ImageFont.load_default(20)
    for look in render.LOOKS:
        texts = [("Pier 9", "06:12")] * look.columns
        once, again, other = (render.draw(texts, look, font, 0, seed) for seed in (1, 1, 2))
        assert once.tobytes() == again.tobytes()
        assert (once.tobytes() == other.tobytes()) is not bool(look.noise)


def test_there_are_enough_rendered_images(render: ModuleType) -> None:
    """At least 42, as was asked for."""
    assert len(render.LOOKS) * render.COPIES >= 42


def test_real_images_have_their_text_and_source(bench: Callable[[str], ModuleType]) -> None:
    """Each real image has a text beside it and a line with its hash in SOURCES.md."""
    cases = bench("cases").real_cases()
    sources = (BENCHMARKS.parent / "examples" / "images" / "SOURCES.md").read_text("utf-8")
    assert len(cases) >= 6
    for case in cases:
        assert case.truth.strip()
        digest = hashlib.sha256(case.path.read_bytes()).hexdigest()
        assert f"{digest}  {case.path.name}" in sources


def test_the_page_names_a_peer_that_is_not_installed(
    bench: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    """A missing peer has its row and its goal is not measured; nothing is left out in silence."""
    pytest.importorskip("rapidfuzz")
    run, report = bench("run"), bench("report")
    case = bench("cases").Case
    readings = [
        run.Reading(case(tmp_path / "a.png", "abcd", look), "abcd", "", [0.1, 0.3, 0.2])
        for look in ("24 px", "real")
    ]
    results = report.Results(
        about={"Python": "3"},
        versions={"ocrleak-engine": "1", "rapidocr": None},
        readings={"ocrleak-engine": readings},
        memory={"ocrleak-engine": run.Memory(1, 2, 3, 10_000_000, 17_000_000)},
        stream=[1, 1],
        stream_step=5,
    )
    page = report.markdown(results)
    assert "| rapidocr | not installed |" in page
    assert "| time per image, RapidOCR's = 1 | 0.2 | — | not measured |" in page
    assert "7.00 MB | **missed** |" in page
