"""What the site's build does beside Markdown.

Files of the repository that pages refer to become pages, links to them lead there, and the parts of
the reference that are made from the code are put where a page asks for them. A page that would load
anything from another host stops the build.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import reference
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
COPIED = {
    "CHANGELOG.md": "changelog.md",
    "engine/README.md": "engine.md",
    "engine/ocrleak_engine/models/NOTICE": "ocrleak_engine/models/NOTICE",
    "engine/ocrleak_engine/models/MODELS.toml": "ocrleak_engine/models/MODELS.toml",
    "examples/ci": "examples/ci/index.md",
    "examples/debugging": "examples/debugging/index.md",
}
SHOWN = ("examples/*.py", "examples/debugging/*.py", "examples/ci/*")
LANGUAGES = {".py": "python", ".yml": "yaml", ".yaml": "yaml"}
MADE = {
    "options": reference.options,
    "commands": reference.commands,
    "engine": reference.engine,
    "report": reference.report,
}
OUTSIDE = re.compile(r"\]\((?:\.\./)+((?:examples|engine|pytest_ocrleak)/[^)#\s]+|CHANGELOG\.md)")
ASKED = re.compile(r"^<!-- made from the code: (\w+) -->$", re.MULTILINE)
LOADED = re.compile(
    r"<(?:script|img|iframe|link|source)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)


def on_files(files: Files, config: Any) -> Files:
    """Add the files outside the folder of the documentation that pages refer to."""
    for name, page in pages():
        files.append(File.generated(config, page, content=shown(ROOT / name)))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield the files that become pages: their path in the repository, and the page's."""
    yield from COPIED.items()
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            yield name, f"{name}.md"


def shown(path: Path) -> str:
    """Return a file as a page."""
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.suffix in LANGUAGES)
        return f"# {path.name}\n\n" + "\n".join(f"- [{name}]({name}.md)" for name in names)
    text = path.read_text("utf8")
    if path.suffix not in LANGUAGES:
        return text
    return f"# {path.name}\n\n```{LANGUAGES[path.suffix]}\n{text}```\n"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to files outside to their pages, and put in what is made from the code."""
    known = dict(pages())
    up = "../" * page.file.src_uri.count("/")

    def inside(link: re.Match[str]) -> str:
        return f"]({up}{known.get(link[1], link[1])}"

    whole = ASKED.sub(lambda asked: MADE[asked[1]](), OUTSIDE.sub(inside, markdown))
    return "\n".join(map(bars, whole.splitlines()))


def bars(line: str) -> str:
    """Return a row of a table as this Markdown wants it: bars in code are not escaped."""
    return (
        re.sub(r"`[^`]*`", lambda code: code[0].replace("\\|", "|"), line)
        if line[:1] == "|"
        else line
    )


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that loads something from another host.

    Raises
    ------
    PluginError
        There is such a thing on it.

    """
    if foreign := LOADED.findall(re.sub(r"<link[^>]*rel=[\"']?canonical[^>]*>", "", output)):
        raise PluginError(f"{page.file.src_uri} would load {', '.join(foreign)}")
    return output
