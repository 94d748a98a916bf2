"""The process of one check: ``python -m verdict_bench.worker TOOL SCENE ANSWER.json``.

It ends without the usual farewells: what the scene left behind must not hold it up.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path

from verdict_bench.scenes import SCENES
from verdict_bench.tools import TOOLS


def main(tool: str, scene: str, answer: str) -> None:
    """Make the scene, ask the tool, and write its answer."""
    found = asdict(TOOLS[tool](scene, SCENES[scene].make()))
    import json  # noqa: PLC0415 - scenes import it in the check

    part = Path(f"{answer}.part")
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)
