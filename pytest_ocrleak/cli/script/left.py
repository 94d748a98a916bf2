"""What a script left behind, in lines."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report import text
from pytest_ocrleak.report.hints import unknown
from pytest_ocrleak.sizes import human
from pytest_ocrleak.verdict import Growth


def told(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield all that is known of a script that ended well."""
    check = understood(plain)
    if check.verdict == "clean":
        yield f"ocrleak: {clean(check)}"
    else:
        first, *rest = text.problem(check)
        yield f"ocrleak: {first}"
        yield from rest
        yield from advice(check)
    if check.runs > 1:
        yield from (*text.table(check.meters), *text.resident(check.meters))
    else:
        yield from once(check.meters)


def in_one_line(plain: Mapping[str, Any], status: int) -> str:
    """Return in one line what was found where the script itself failed."""
    check = understood(plain)
    found = "; ".join(f"{leak.meter}: {leak.what}{often(leak)}" for leak in check.leaks)
    left = {"leak": f"leaks {found}", "clean": "leaves nothing behind"}
    said = left.get(check.verdict, f"is {check.verdict}")
    return f"ocrleak: {check.name} ended with exit status {status}; it {said}"


def often(leak: Leak) -> str:
    """Return how often something leaks, where it is more than once."""
    return f" ×{leak.count}" if leak.count > 1 else ""


def understood(plain: Mapping[str, Any]) -> Check:
    """Return the check in a report of our own."""
    meters = {name: Growth(**each) for name, each in plain["meters"].items()}
    leaks = tuple(Leak(**each) for each in plain["leaks"])
    return Check(plain["kind"], plain["name"], plain["runs"], meters, leaks)


def clean(check: Check) -> str:
    """Tell that nothing stayed, of what was judged."""
    judged = [name for name, growth in check.meters.items() if growth.verdict == "clean"]
    what = ", ".join(judged) or "nothing could be judged"
    if check.runs > 1:
        return f"{check.name} does not grow in {check.runs} runs ({what})"
    return f"{check.name} leaves nothing behind ({what})"


def once(meters: Mapping[str, Growth]) -> Iterator[str]:
    """Yield what one run says without judging it, and what it could not say."""
    changes = [
        f"{name} {human(growth.per_run, METERS[name].unit)}"
        for name, growth in meters.items()
        if growth.verdict == "unjudged" and growth.series
    ]
    if changes:
        yield f"grew in one run, which judges no bytes (--repeat 10 does): {', '.join(changes)}"
    for name, growth in meters.items():
        if growth.verdict == "inconclusive":
            yield f"{name}: inconclusive ({growth.reason}; or --repeat 3 tells)"
        elif growth.verdict == "unavailable":
            yield f"{name}: unavailable ({growth.reason})"


def advice(check: Check) -> Iterator[str]:
    """Return what to do about the first leak, or how to accept it."""
    for first in check.leaks[:1]:
        if METERS[first.meter].exact:
            rule = shlex.quote(f"{first.meter}:{first.what}")
            yield "try: close it before the script ends; if it is to stay,"
            yield f"     --ignore {rule}"
            if check.runs == 1 and any(map(unknown, check.leaks)):
                yield "     what has no line came from native code or os.dup: --repeat 3 finds it"
        else:
            yield "try: drop what is kept, and free what native code took"
