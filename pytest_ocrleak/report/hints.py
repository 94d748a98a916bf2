"""What to do about what leaks, and what accepts it where it is meant to stay, ready to copy."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping

from pytest_ocrleak.growth import Growth
from pytest_ocrleak.ignore import suggested
from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.sizes import human

SHOWN = 10  # lines to copy
MARGIN = 1.25  # times the growth that was seen at most, for a tolerance: the next run differs
END = {
    "fds": "close it where it was opened", "maps": "unmap it where it was mapped",
    "threads": "end it and join it where it was started",
    "processes": "end it and wait for it where it was started",
    "tempfiles": "remove it where it was made",
}  # fmt: skip
DROP = "drop what is kept, and free what native code took"
UNKNOWN = "what has no line came from native code, os.dup or the like: --ocrleak-runs 3 finds it"
STACKS = "--ocrleak-trace tells which stacks allocate it (extra trace)"


def hints(check: Check) -> Iterator[str]:
    """Return what to do next, and what accepts the leaks: settings as `pyproject.toml` has them.

    What is to stay may take memory, too, which is then to be accepted beside it.
    """
    failing = [leak for leak in check.leaks if not leak.known and leak.meter in METERS]
    things = [leak for leak in failing if METERS[leak.meter].exact]
    growing = {leak.meter: leak.per_run for leak in failing if leak.per_run and leak not in things}
    if things:
        yield f"try: {END[things[0].meter]}, or in a fixture's finalizer; if it is to stay,"
        yield from setting("ocrleak_ignore", map(rule, things))
    elif growing:
        yield f"try: {DROP}; if it is to grow,"
    elif failing:
        yield f"try: {DROP}; if it is to stay, one_time={{{failing[0].meter!r}: …}}"
    if growing:
        yield from tolerances(check, growing)
    yield from (f"     {line}" for line in further(check, failing))


def further(check: Check, failing: list[Leak]) -> Iterator[str]:
    """Return which option tells more of what leaks."""
    one_pass = check.kind in ("test", "fixture") and check.runs == 1
    if one_pass and any(map(unknown, failing)):
        yield UNKNOWN
    grows = any(leak.meter == "heap" and leak.per_run for leak in failing)
    if grows and not check.allocations and not any(leak.kept_by for leak in failing):
        yield STACKS


def tolerances(check: Check, growing: Mapping[str, float]) -> Iterator[str]:
    """Return what accepts growth, as near to the check as can be.

    A tolerance of the session has bytes judged in every check of one pass, which a first use fails.
    """
    sizes = {name: tolerance(seen, check.meters[name]) for name, seen in growing.items()}
    given = f"tolerance={json.dumps(sizes)}"
    if check.kind == "fixture":
        yield from setting("ocrleak_tolerance", (f"{n} = {size}" for n, size in sizes.items()))
    else:
        yield f"     @pytest.mark.ocrleak({given})" if check.kind == "test" else f"     {given}"


def setting(name: str, lines: Iterable[str]) -> Iterator[str]:
    """Return a setting of some lines as TOML, in one line where it is one."""
    quoted = [json.dumps(line, ensure_ascii=False) for line in dict.fromkeys(lines)]
    if len(quoted) == 1:
        yield f"     {name} = [{quoted[0]}]"
        return
    yield f"     {name} = ["
    yield from (f"         {line}," for line in quoted[:SHOWN])
    if len(quoted) > SHOWN:
        yield f"         # … and {len(quoted) - SHOWN} more"
    yield "     ]"


def rule(leak: Leak) -> str:
    """Return the rule that lets a thing linger."""
    return f"{leak.meter}:{suggested(leak.what)}  # why"


def tolerance(seen: float, growth: Growth) -> str | float:
    """Return a size that accepts as much growth in the next run, in two digits, rounded up."""
    most = MARGIN * max(seen, growth.high)
    step = 10.0 ** (math.floor(math.log10(most)) - 1)
    rounded = math.ceil(most / step) * step
    return human(rounded) if growth.unit == "B" else float(f"{rounded:g}")


def unknown(leak: Leak) -> bool:
    """Tell whether a thing leaks of which no line is known."""
    return leak.meter in END and all(place.startswith("during ") for place in leak.opened_at)
