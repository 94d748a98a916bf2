"""Tests that are repeated, each of which grows or does not."""

import asyncio
import logging
import os
import unittest
import warnings

import pytest

KEPT = []
RUNS = {}


def count(name):
    RUNS[name] = RUNS.get(name, 0) + 1


@pytest.fixture
def resource():
    count("resource")
    with open(os.devnull) as file:
        yield file


@pytest.fixture(scope="module")
def wide():
    count("wide")
    return []


@pytest.fixture
def narrow(wide):
    return wide


@pytest.fixture
def grows():
    KEPT.append(bytearray(2000))


def test_clean(resource, narrow, tmp_path, capsys, caplog, monkeypatch, record_property):
    record_property("answer", 42)
    (tmp_path / "file").write_text("text")
    print("printed once")
    assert capsys.readouterr().out == "printed once\n"
    logging.getLogger().warning("logged")
    assert caplog.messages == ["logged"]
    monkeypatch.setenv("NAME", "value")
    warnings.warn("once", stacklevel=1)
    count("clean")
    assert RUNS["resource"] == RUNS["clean"]


def test_output():
    print("printed")
    logging.getLogger().warning("logged")


def test_grows(resource):
    KEPT.append(bytearray(1000))


def test_fixture_grows(grows):
    pass


def test_descriptors():
    KEPT.append(open(os.devnull))


@pytest.mark.parametrize("number", [1, 2])
def test_parameters(number):
    assert number


def test_wide_fixture_is_made_once(wide):
    count("wide tests")
    assert RUNS["wide"] == 1


class TestClass:
    def test_instance_is_fresh(self):
        assert not hasattr(self, "used")
        self.used = True


class TestCase(unittest.TestCase):
    def setUp(self):
        self.text = "x" * 1000

    def test_case(self):
        with self.subTest("part"):
            assert self.text


if hasattr(pytest, "Subtests"):

    def test_subtests(subtests):
        for number in range(2):
            with subtests.test(number=number):
                assert number < 2


@pytest.mark.asyncio
async def test_asyncio():
    await asyncio.sleep(0)


@pytest.mark.anyio
async def test_anyio():
    await asyncio.sleep(0)


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_fails_later():
    count("fails later")
    assert RUNS["fails later"] < 3


@pytest.mark.no_ocrleak(reason="counts the runs of the others")
def test_last():
    assert RUNS["clean"] > 100
