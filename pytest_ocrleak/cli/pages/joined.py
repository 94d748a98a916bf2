"""What `ocrleak merge` made of several reports, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_ocrleak.cli.documents.record import record
from pytest_ocrleak.cli.documents.reports import Found, is_thing
from pytest_ocrleak.cli.pages.reported import size
from pytest_ocrleak.cli.pages.tables import Column, Lines, Page, Row, Table, lines
from pytest_ocrleak.cli.pages.words import plural
from pytest_ocrleak.outcome import label
from pytest_ocrleak.report.merged import Given, Merged, fails, reason

Plain = Mapping[str, Any]

SHOWN = 50  # rows of a table
REPORTS = (
    Column("report", elastic=True),
    Column("checks", "right"),
    Column("clean", "right"),
    Column("leak", "right"),
    Column("inconclusive", "right"),
    Column("written", wide=True),
    Column("env", "right"),
    Column("at its end"),
)
ENVIRONMENTS = (
    Column("env", "right"),
    Column("checks", "right"),
    Column("Python"),
    Column("platform", elastic=True),
    Column("allocator"),
)
LEAKS = (
    Column("meter"),
    Column("leak", elastic=True),
    Column("how much", "right", spare=True),
    Column("check", elastic=True),
    Column("env", "right"),
)
OPEN = (
    Column("check", elastic=True),
    Column("env", "right"),
    Column("meter"),
    Column("why", elastic=True),
)


def page(given: Sequence[Given], found: Merged, reasons: Sequence[str]) -> Page:
    """Return the counts and why it fails, then what was read, and what leaks or is open."""
    report = found.report
    notes = [line for note in report.get("notes", ()) for line in note.splitlines()]
    tables = (
        environments(report),
        leaks(report),
        cut("Undecided meters", OPEN, [Row(each) for each in inconclusive(report)]),
    )
    return (
        summary(given, found, reasons),
        read(given, report),
        *(table for table in tables if table.rows),
        *unfinished(given),
        *([lines("Notes", *notes)] if notes else []),
    )


def summary(given: Sequence[Given], found: Merged, reasons: Sequence[str]) -> Lines:
    """Return the counts, what came of checks that several reports had, and why it fails."""
    counts = found.report["summary"]
    title = f"{plural(len(given), 'report')}, {plural(counts['checked'], 'check')}"
    told = [f"{counts[name]:,} {name}" for name in ("clean", "leak", "inconclusive")]
    known = [plural(counts["known"], "known leak")] if "known" in counts else []
    rows = [Row((" · ".join((*told, *known)),)), *map(sentence, twice(found))]
    fail = [Row((f"fails: {each}",), "odd") for each in reasons]
    return Lines(title, (*rows, *(fail or [unfailing(found.report)])))


def unfailing(report: Plain) -> Row:
    """Return what there is to say where nothing fails: without a check nothing could."""
    if report["checks"]:
        return Row(("nothing fails",), "good")
    return Row(("nothing was checked, so nothing was proven: --strict fails for that",), "odd")


def sentence(text: str) -> Row:
    """Return a sentence that is seen like any other."""
    return Row((text,))


def twice(found: Merged) -> Iterator[str]:
    """Yield what came of the checks that several reports had."""
    if not found.repeated:
        return
    verb = "was" if found.repeated == 1 else "were"
    told = [f"{plural(found.repeated, 'check')} {verb} in several reports"]
    if found.leaked:
        told.append(f"{found.leaked:,} leaked in one and not in all of them")
    if found.settled:
        told.append(f"{found.settled:,} inconclusive in one and clean in another")
    yield "; ".join(told)


def read(given: Sequence[Given], report: Plain) -> Table:
    """Return the reports that were read."""
    known = report.get("environments", [])
    return Table("Reports", REPORTS, tuple(report_row(one, known) for one in given))


def report_row(one: Given, environments: Sequence[Any]) -> Row:
    """Return one report: its own counts, when it was written, where its checks ran."""
    report = one.report
    verdicts = [check["verdict"] for check in report["checks"]]
    ran = report.get("environments", [report["environment"]])
    where = [environments.index(each) + 1 for each in ran] if environments else []
    counts = (verdicts.count(name) for name in ("clean", "leak", "inconclusive"))
    cells = (
        *(one.name, f"{len(verdicts):,}", *(f"{count:,}" for count in counts)),
        report.get("created", ""),
        ", ".join(map(str, where)),
        "partial" if "partial" in report else "",
    )
    return Row(cells, "odd" if "partial" in report or any(map(fails, report["checks"])) else "")


def environments(report: Plain) -> Table:
    """Return where the checks ran, where that is not one place."""
    every = report.get("environments", ())
    checks = [check.get("environment") for check in report["checks"]]
    rows = (
        Row(
            (
                *(str(index + 1), f"{checks.count(index):,}"),
                *(each["python"], each["platform"], each["allocator"]),
            )
        )
        for index, each in enumerate(every)
    )
    return Table(f"Environments: {len(every)}", ENVIRONMENTS, tuple(rows))


def leaks(report: Plain) -> Table:
    """Return the leaks that fail, and what the baseline says of them."""
    found = [
        (check, leak)
        for check in report["checks"]
        for leak in check["leaks"]
        if not leak.get("known")
    ]
    rows = [Row((*told(leak), *checked(check)), "odd") for check, leak in found]
    remarks = {f"{leak['what']}: {leak['remark']}": None for _, leak in found if leak.get("remark")}
    return cut("Leaks that fail", LEAKS, rows, tuple(remarks)[:SHOWN])


def told(leak: Plain) -> tuple[str, str, str]:
    """Return what leaks and how much, nothing where it came once."""
    found = record(Found, leak)
    much = size(found) if is_thing(found.meter) or found.per_run else ""
    return found.meter, found.what, much


def inconclusive(report: Plain) -> Iterator[tuple[str, ...]]:
    """Yield the meters that cannot tell, of checks that do not leak anyway."""
    for check in report["checks"]:
        if check["verdict"] == "inconclusive":
            for name, meter in check["meters"].items():
                if meter["verdict"] == "inconclusive":
                    yield (*checked(check), name, meter.get("reason", ""))


def checked(check: Plain) -> tuple[str, str]:
    """Return the name of a check, and the number of its environment where there are several."""
    name = label(check["kind"], check["name"], check["nodeid"], check.get("scope", ""))
    return name, str(check["environment"] + 1) if "environment" in check else ""


def cut(
    title: str, columns: tuple[Column, ...], rows: Sequence[Row], below: tuple[str, ...] = ()
) -> Table:
    """Return a table of the first rows, and how many more there are."""
    more = (f"{len(rows) - SHOWN:,} more rows: --json has all",) if len(rows) > SHOWN else ()
    return Table(f"{title}: {len(rows):,}", columns, tuple(rows[:SHOWN]), (*more, *below))


def unfinished(given: Sequence[Given]) -> Iterator[Lines]:
    """Yield why reports are partial."""
    told = [reason(one, named=True) for one in given if "partial" in one.report]
    if told:
        yield lines("Partial", *told, tone="odd")
