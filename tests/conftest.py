"""What holds for the whole suite: which skips may pass in continuous integration."""

import pytest
from strict_skips import StrictSkips, read_allowed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips",
        action="store_true",
        help="fail when a test skips for a reason that tests/allowed_skips.txt does not list",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--strict-skips"):
        config.pluginmanager.register(StrictSkips(read_allowed()), "strict-skips")
