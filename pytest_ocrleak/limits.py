"""What a check judges and what it accepts, read from what the user typed."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ocrleak import ignore, sizes
from pytest_ocrleak.ignore import Rule
from pytest_ocrleak.meters import METERS, Meter, chosen


@dataclass(frozen=True, slots=True)
class Limits:
    """The meters to judge (``None``: all), rules for what may linger, accepted growth per run.

    ``floor`` is growth per run by meter below which no leak is claimed, where code is known to be
    noisy; unlike a tolerance it needs no proof that growth stays below it. ``one_time`` is what a
    first life may leave for good, by meter. A check in which one of the ``required`` meters could
    not be read is an error. With ``origins`` it is noted what makes each thing,
    and with ``trace`` what leaks memory runs some more to show which stacks allocate it.
    """

    track: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    floor: Mapping[str, float] = field(default_factory=dict)
    one_time: Mapping[str, float] = field(default_factory=dict)
    strict: bool = False
    origins: bool = True
    trace: bool = False
    required: tuple[str, ...] = ()

    @property
    def meters(self) -> tuple[Meter, ...]:
        """The meters that ``track`` names."""
        return chosen(self.track)

    @property
    def resting(self) -> tuple[Meter, ...]:
        """The meters to read at rest: those judged, and threads, which while ending hold memory."""
        return chosen(self.track and (*self.track, "threads"))

    @property
    def exact(self) -> tuple[Meter, ...]:
        """Those of the meters that read things with an identity."""
        return tuple(meter for meter in self.meters if meter.exact)

    @property
    def amounts(self) -> tuple[Meter, ...]:
        """Those of the meters that read an amount."""
        return tuple(meter for meter in self.meters if not meter.exact)

    def narrowed(
        self,
        track: str | Iterable[str] | None,
        ignored: str | Iterable[str] | None,
        tolerance: Mapping[str, float | str] | None,
    ) -> "Limits":
        """Return these limits with what one check asks for on top of them."""
        lines = ignored.splitlines() if isinstance(ignored, str) else ignored or ()
        if not isinstance(lines, Iterable):
            raise ValueError(f"ignore={ignored!r}: write rules, ['meter:glob  # reason']")  # noqa: TRY004
        return replace(
            self,
            track=self.track if track is None else names(track),
            rules=(*self.rules, *map(rule, lines)),
            tolerance={**self.tolerance, **tolerances(tolerance or {})},
        )

    def widened(self, others: Iterable["Limits"]) -> "Limits":
        """Return these limits with the meters of others, too: each judges its own of them."""
        tracks = [each.track for each in (self, *others)]
        named = {name for track in tracks for name in track or METERS}
        return replace(
            self, track=None if None in tracks else tuple(m for m in METERS if m in named)
        )

    def for_lives(
        self, floor: Mapping[str, float], one_time: Mapping[str, float | str] | None
    ) -> "Limits":
        """Return these limits for lives whose noise reaches up to ``floor`` each."""
        return replace(self, floor=floor, one_time=tolerances(one_time or {}, "one_time"))


def names(track: str | Iterable[str]) -> tuple[str, ...]:
    """Return the meter names in ``"fds,heap"`` or in a list of them.

    Raises
    ------
    ValueError
        One is no meter (the message suggests the nearest), or there is none.

    """
    if not isinstance(track, (str, Iterable)):
        raise ValueError(f"track={track!r}: write names of meters, 'fds,heap' or ['fds', 'heap']")  # noqa: TRY004
    parts: Sequence[str] = track.split(",") if isinstance(track, str) else tuple(track)
    chosen = tuple(known(part) for part in map(stripped, parts) if part != "")
    if not chosen:
        raise ValueError(f"{track!r} names no meter: there are {', '.join(METERS)}")
    return chosen


def stripped(part: object) -> object:
    """Return a name without the spaces around it; what is no text as it is."""
    return part.strip() if isinstance(part, str) else part


def known(name: object) -> str:
    """Return ``name`` if it is a meter's, else raise `ValueError` with the nearest one."""
    if isinstance(name, str) and name in METERS:
        return name
    near = [] if not isinstance(name, str) else difflib.get_close_matches(name, METERS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(METERS)}"
    raise ValueError(f"{name!r} is no meter: {hint}")


def rule(line: str) -> Rule:
    """Return the ignore rule in a line, its meter checked, and begin to count its uses."""
    if not isinstance(line, str):
        raise ValueError(f"{line!r} is no ignore rule: write 'meter:glob  # reason'")  # noqa: TRY004
    parsed = ignore.parse(line)
    known(parsed.meter)
    ignore.USES[parsed] += 0
    return parsed


def tolerances(given: Mapping[str, float | str], name: str = "tolerance") -> dict[str, float]:
    """Return accepted sizes by meter, parsed, the meters' names checked.

    Raises
    ------
    ValueError
        It is no mapping, or a name or size in it is wrong.

    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{name}={given!r}: write meters with sizes, {{'heap': '4 KiB'}}")  # noqa: TRY004
    return {known(meter): sizes.parse(size) for meter, size in given.items()}


def tolerance_line(line: str) -> tuple[str, str]:
    """Return meter and size of ``heap = 4 KiB``.

    Raises
    ------
    ValueError
        There is no equals sign.

    """
    name, equals, size = line.partition("=")
    if not equals:
        raise ValueError(f"{line!r} is no tolerance: write 'meter = size'")
    return name.strip(), size.strip()
