"""What holds for every test: none is judged by its speed, and which skips may pass in continuous integration."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from strict_skips import StrictSkips, read_allowed

# How fast an example comes says how busy the machine is, and nothing of the product. The examples are the same each
# time, so that a red run says something of the change that was made; `make seek` looks for others.
ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", ANY, derandomize=True, database=None)
settings.register_profile("seek", ANY, derandomize=False, database=None, print_blob=True)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips",
        action="store_true",
        help="fail when a test skips for a reason that tests/allowed_skips.txt does not list",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--strict-skips"):
        config.pluginmanager.register(StrictSkips(read_allowed()), "strict-skips")


@pytest.fixture(scope="module")
def uncounted() -> Iterator[None]:
    """No line of a file counts for coverage: for tests whose thousands of steps only repeat what others show.

    Counting takes two thirds of their time; pytest-cov's own mark has no effect on a test that runs beside others.
    """
    counter = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(counter)
