"""The published schema: what it demands, and that we and jsonschema understand the same by it."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from reports import (
    ENVIRONMENT,
    LEAK,
    METER,
    VALIDATOR,
    assert_valid,
    check,
    open_check,
    places,
    report,
)

from pytest_ocrleak.report import schema
from pytest_ocrleak.report.schema import KEYWORDS, violation

ABOUT = {"$schema", "$id", "$defs", "title", "description", "then", "else", "maximum"}
FULL = report(
    check("test_a", LEAK, {**LEAK, "known": True, "remark": "known: the pool"}, environment=0),
    check("test_b", kind="fixture", scope="module", allocations={"heap": ["malloc"]}),
    {**open_check("test_c"), "environment": 1},
    environments=[ENVIRONMENT, {**ENVIRONMENT, "python": "3.12.1"}],
    reports=["a.json", "b.json"],
    partial="interrupted",
    notes=["one", "two"],
)


def rules(rule: Any) -> Iterator[dict[str, Any]]:
    """Yield a part of the schema and all parts in it."""
    yield rule
    for keyword in ("items", "additionalProperties", "if", "then", "else"):
        if keyword in rule:
            yield from rules(rule[keyword])
    for keyword in ("properties", "$defs"):
        for each in rule.get(keyword, {}).values():
            yield from rules(each)


def test_it_is_a_schema() -> None:
    """Of the draft that it says."""
    Draft202012Validator.check_schema(schema.schema())


def test_it_says_what_each_key_is() -> None:
    """In a title and a description, of which no two are the same."""
    described = (rule for rule in rules(schema.schema()) if "title" in rule)
    properties = [each for rule in described for each in rule.get("properties", {}).values()]
    assert len(properties) > 50
    assert all(each["title"] and each["description"] for each in properties)
    assert len({each["title"] for each in properties}) == len(properties)


def test_we_understand_all_of_it() -> None:
    """A keyword that was passed over would check nothing; the types of what is bounded are told."""
    for rule in rules(schema.schema()):
        assert set(rule) <= {*KEYWORDS, *ABOUT}
        assert ("minimum" in rule) == ("maximum" in rule)
        assert not {"properties", "additionalProperties"} <= set(rule)


def test_a_report_with_everything_keeps_to_it() -> None:
    """As does one in which all that is optional is missing, and one of a later version."""
    assert_valid(FULL)
    bare = report()
    del bare["created"]
    assert_valid(bare)
    assert_valid({**FULL, "later": [{}], "checks": [{**each, "new": 1} for each in FULL["checks"]]})


def changed(document: Any, place: str, value: Any = ...) -> Any:
    """Return a copy with another value at a place, or without the key there."""
    whole = copy.deepcopy(document)
    *path, last = (int(part) if part.isdigit() else part for part in place.split("."))
    container = whole
    for part in path:
        container = container[part]
    if value is ...:
        del container[last]
    else:
        container[last] = value
    return whole


@pytest.mark.parametrize(
    ("place", "said"),
    {
        "tool": "tool is missing",
        "tool.version": "tool.version is missing",
        "environment.meters": "environment.meters is missing",
        "environment.meters.gpu.reason": "environment.meters.gpu.reason is missing",
        "checks.1.runs": "checks[1].runs is missing",
        "checks.0.meters.fds.series": "checks[0].meters.fds.series is missing",
        "checks.0.leaks.1.fingerprint": "checks[0].leaks[1].fingerprint is missing",
        "summary.clean": "summary.clean is missing",
    }.items(),
)
def test_what_is_missing_is_told_by_its_place(place: str, said: str) -> None:
    """The whole path to the key."""
    wrong = changed(FULL, place)
    assert violation(wrong) == said
    assert not VALIDATOR.is_valid(wrong)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("schema_version", 2, "schema_version is not 1"),
        ("schema_version", True, "schema_version is not 1"),
        ("checks", {}, "checks is no list"),
        ("checks.0", [], "checks[0] is no object"),
        ("checks.0.verdict", "fine", "checks[0].verdict is none of clean, leak, inconclusive"),
        ("checks.0.runs", "5", "checks[0].runs is no whole number"),
        ("checks.0.runs", True, "checks[0].runs is no whole number"),
        ("checks.0.runs", -1, "checks[0].runs is no number that it could be"),
        ("checks.0.leaks", [], "checks[0].leaks is empty"),
        ("checks.1.leaks", [LEAK], "checks[1].leaks has more than 0 entries"),
        ("checks.0.leaks.0.known", 0, "checks[0].leaks[0].known is no truth value"),
        ("checks.0.leaks.0.kept_by", [1], "checks[0].leaks[0].kept_by[0] is no text"),
        ("checks.0.meters.fds.per_run", None, "checks[0].meters.fds.per_run is no number"),
        (
            *("checks.0.meters.fds.low", 10**400),
            "checks[0].meters.fds.low is no number that it could be",
        ),
        (
            *("checks.1.scope", "world"),
            "checks[1].scope is none of function, class, module, package, session",
        ),
        (
            *("environment.meters.gpu.available", "no"),
            "environment.meters.gpu.available is no truth value",
        ),
        ("notes", "one", "notes is no list"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(place: str, value: Any, said: str) -> None:
    """Another type, a verdict that nobody knows, a figure that cannot be, leaks that contradict."""
    wrong = changed(FULL, place, value)
    assert violation(wrong) == said
    assert not VALIDATOR.is_valid(wrong)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("created", "yesterday", "created is no date and time"),
        ("summary.checked", 4, "summary.checked is not the number of checks"),
        ("checks.2.environment", 2, "checks[2].environment is beyond the report's environments"),
        (
            *("checks.0.meters.fds.batches", [1]),
            "checks[0].meters.fds.batches has not as many entries as series",
        ),
    ],
)
def test_what_does_not_belong_together_is_told(place: str, value: Any, said: str) -> None:
    """No schema can say that."""
    wrong = changed(FULL, place, value)
    assert VALIDATOR.is_valid(wrong)
    assert violation(wrong) == said


@pytest.mark.parametrize("data", [None, [], "report", 1, float("nan")])
def test_anything_else_is_no_report(data: Any) -> None:
    """It need not even be an object."""
    assert violation(data) == "the whole is no object"


NUMBERS = st.integers() | st.floats(allow_nan=False).filter(lambda each: not each.is_integer())
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.sampled_from(["leak", "test"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_we_and_jsonschema_agree(data: st.DataObject) -> None:
    """On a report in which anything is something else, or missing."""
    whole = json.loads(json.dumps(FULL))
    container, key = data.draw(st.sampled_from(places(whole)))
    if isinstance(container, dict) and data.draw(st.booleans()):
        del container[key]
    else:
        container[key] = data.draw(JSON)
    if key != "created":  # jsonschema knows no dates without further packages
        assert (schema.whole()(whole) == "") == VALIDATOR.is_valid(whole)


def test_a_wrong_meter_is_seen_beside_good_ones() -> None:
    """Every entry of a list and of an object is looked at."""
    meters = {"fds": METER, "rss": {**METER, "verdict": "ok"}}
    said = (
        "checks[1].meters.rss.verdict is none of clean, leak, inconclusive, unavailable, unjudged"
    )
    assert violation(report(check(), check("b", meters=meters))) == said
