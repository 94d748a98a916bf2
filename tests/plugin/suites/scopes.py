"""Fixtures of every scope and style, each of which leaks or does not."""

import os

import pytest

KEPT = []


def keep():
    KEPT.append(open(os.devnull))


@pytest.fixture
def function_clean():
    with open(os.devnull) as file:
        yield file


@pytest.fixture
def function_dropped():
    return open(os.devnull)


@pytest.fixture
def function_setup():
    keep()


@pytest.fixture
def function_teardown():
    yield
    keep()


@pytest.fixture
def function_finalizer(request):
    request.addfinalizer(keep)


@pytest.fixture(scope="class")
def class_setup():
    keep()


@pytest.fixture(scope="class")
def class_clean():
    with open(os.devnull) as file:
        yield file


@pytest.fixture(scope="module", params=["one", "two"])
def module_teardown(request):
    yield request.param
    keep()


@pytest.fixture(scope="module", autouse=True)
def module_autouse():
    keep()


@pytest.fixture(scope="package")
def package_setup():
    keep()


@pytest.fixture(scope="session")
def session_clean():
    with open(os.devnull) as file:
        yield file


@pytest.fixture(scope="session")
def session_setup():
    keep()


@pytest.fixture
def function_around(request):
    return request.getfixturevalue("session_clean"), request.getfixturevalue("session_setup")


@pytest.fixture
def fails_in_setup():
    file = open(os.devnull)
    raise ValueError(file.name)


@pytest.fixture
def fails_in_setup_and_leaks():
    keep()
    raise ValueError


@pytest.fixture
def fails_in_teardown():
    file = open(os.devnull)
    yield
    raise ValueError(file.name)


@pytest.fixture
def leaks_and_fails_in_teardown():
    yield
    keep()
    pytest.fail("for a reason of its own")


def test_clean(function_clean, function_dropped, class_clean):
    assert not function_clean.closed


def test_function_setup(function_setup):
    pass


def test_after():
    pass


def test_function_teardown(function_teardown):
    pass


def test_function_finalizer(function_finalizer):
    pass


class TestClass:
    def test_first(self, class_setup, class_clean):
        pass

    def test_second(self, class_setup):
        pass


def test_parameter(module_teardown):
    pass


def test_around(function_around):
    pass


def test_package(package_setup):
    pass


def test_fails_in_setup(fails_in_setup):
    pass


def test_fails_in_setup_and_leaks(fails_in_setup_and_leaks):
    pass


def test_fails_in_teardown(fails_in_teardown):
    pass


def test_leaks_and_fails_in_teardown(leaks_and_fails_in_teardown):
    pass


def test_last(session_clean):
    pass
