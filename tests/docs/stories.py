"""What stands in the folder in which a page's commands are typed, where the page itself has none.

Code that pages tell the line of stands at that line.
"""

from collections.abc import Mapping

SMALL = {  # for a page without tests of its own
    "tests/engine/test_engine.py": "def test_engine():\n    assert True\n",
    "tests/pages/test_pages.py": "def test_pages():\n    assert True\n",
}


def at(placed: Mapping[int, str]) -> str:
    """Return a file in which code begins at the lines that are given."""
    lines: list[str] = []
    for number, code in placed.items():
        lines += [""] * (number - 1 - len(lines)) + code.splitlines()
    return "\n".join(lines) + "\n"


README = {
    "models/ocr.onnx": "weights",
    "app/engine.py": at(
        {
            1: "_cache = {}",
            29: "class Engine:",
            30: "    def load(self, path):",
            31: "        self.model = _cache['ocr'] = open(path, 'rb')",
        }
    ),
    "tests/test_app.py": at(
        {
            1: "import pytest\nfrom app.engine import Engine",
            5: "@pytest.fixture(scope='module')\ndef engine():\n    return Engine()",
            11: "def test_recognizes(engine):",
            12: "    engine.load('models/ocr.onnx')",
        }
    ),
}
ATTRIBUTION = {
    "srv/models/det.onnx": "weights",
    "app/models.py": at(
        {
            1: "from pathlib import Path",
            27: "class Store:\n    files = {}",
            30: "    def load(self, name):",
            31: "        self.files[name] = Path(f'srv/models/{name}.onnx').open('rb')",
        }
    ),
    "tests/test_app.py": at(
        {1: "from app import models", 15: "def test_body():", 16: "    models.Store().load('det')"}
    ),
}
STORIES: Mapping[str, Mapping[str, str]] = {
    "README.md": README,
    "docs/attribution.md": ATTRIBUTION,
}
