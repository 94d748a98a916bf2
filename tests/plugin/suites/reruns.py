"""Tests that are tried again: what leaked stays red, what a failed try left is nobody's."""

import os

import pytest

KEPT = {}


def once(name):
    if name not in KEPT:
        KEPT[name] = open(os.devnull)
        return True
    return False


def test_leaks_once():
    once("test")


@pytest.fixture
def leaks_once():
    once("fixture")


def test_fixture_leaks_once(leaks_once):
    pass


def test_fails_once():
    assert not once("failure")


def test_closes_at_last():
    if not once("closed"):
        KEPT["closed"].close()


@pytest.fixture(scope="module")
def wide():
    KEPT["wide"] = open(os.devnull)


def test_fails_to_the_last(wide):
    raise ValueError
