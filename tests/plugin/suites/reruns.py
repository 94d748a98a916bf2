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


@pytest.fixture
def fails_once():
    assert not once("set-up")


def test_fixture_fails_once(fails_once):
    pass


def test_closes_at_last():
    if not once("closed"):
        KEPT["closed"].close()
