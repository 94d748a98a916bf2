"""What a page shows of a command's output, and whether that is what is printed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

VARYING = (
    (r" · gpu unavailable .*", ""),  # where there is none
    (r"=+ (.*\d (?:passed|failed|errors?)\b.*?) in [\d.]+s.* =+", r"\1"),  # pytest's last line
    (r"\b(thread|process) python[\d.]*", r"\1 python"),
    (r"pathlib\._local\.", "pathlib."),  # Python 3.13
    (r"/\S*/pytest-of-[^/]+/pytest-\d+/", "/TMP/"),
    (r"session=[0-9a-f-]+", "session=N"),
    (r"[±+-]?\d[\d.,]* ([KMG]?B|blocks?)\b", "N"),  # sizes
    (r"×\d+|\[\d+\]|\b0\.\d+", "N"),  # how many of a few runs' leaks
    (r"\d+ runs|\d+:\d\d:\d\d|<?\d+%", "N"),  # how often, when, of what a machine allows
    (r"[±+]\d[\d.,]*|\d{4,}|\d+(,\d{3})+", "N"),  # process ids, ports, inodes
    (r" +", " "),
)


@dataclass
class Shown:
    """A command on the page and what it shows of its output."""

    command: str
    lines: list[str]

    def check(self, output: Sequence[str]) -> None:
        """Compare it with real output: lines that follow each other do so there, too.

        A line ``…`` stands for any number of lines, also at the ends; within a line for any text.
        """
        text = "".join(f"{line}\n" for line in plain(output))
        pattern = "".join(map(matching, plain(self.lines)))
        assert re.fullmatch(pattern, text), f"$ {self.command}\n" + "\n".join(output)


def plain(lines: Sequence[str]) -> list[str]:
    """Return lines without what varies from run to run, and without empty ones."""
    for varying, instead in VARYING:
        lines = [re.sub(varying, instead, line) for line in lines]
    return [line.strip() for line in lines if line.strip()]


def matching(line: str) -> str:
    """Return the pattern of a line that is shown."""
    if line == "…":
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, line.split("…"))) + r"\n"


def shown(section: str) -> Iterator[Shown]:
    """Yield the commands of a section."""
    for block in re.findall(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        command, *lines = block.splitlines()
        assert command.startswith("$ "), block
        yield Shown(command.removeprefix("$ "), lines)
