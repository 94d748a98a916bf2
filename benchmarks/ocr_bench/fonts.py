"""Fonts out of PyPI packages, so that the images are the same on every machine."""

from importlib.util import find_spec
from pathlib import Path

_FILES = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("font_source_serif_pro", "files/SourceSerifPro-Regular.ttf"),
    ("font_roboto", "files/Roboto-Regular.ttf"),
    ("font_caladea", "files/Caladea-Regular.ttf"),
    ("font_lato", "files/Lato-Italic.ttf"),
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSansMono.ttf"),
    ("font_source_sans_pro", "files/SourceSansPro-Regular.ttf"),
    ("font_roboto", "files/Roboto-Bold.ttf"),
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSerif.ttf"),
    ("font_lato", "files/Lato-Regular.ttf"),
    ("font_caladea", "files/Caladea-Italic.ttf"),
)


def font_files() -> tuple[Path, ...]:
    """Return the paths of the fonts, in a fixed order.

    Raises
    ------
    FileNotFoundError
        A font or its package is missing.
    """
    return tuple(_locate(package, name) for package, name in _FILES)


def _locate(package: str, name: str) -> Path:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    path = Path(*(folders or ["?"])[:1], name)
    if not path.is_file():
        raise FileNotFoundError(
            f"no font {name} of {package}: pip install -r benchmarks/ocr-requirements.txt"
        )
    return path
