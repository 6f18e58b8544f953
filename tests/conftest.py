"""What holds for every test: none is judged by its speed, and which skips may pass in continuous integration."""

import pytest
from hypothesis import HealthCheck, settings
from strict_skips import StrictSkips, read_allowed

# How fast an example comes says how busy the machine is, and nothing of the product.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips",
        action="store_true",
        help="fail when a test skips for a reason that tests/allowed_skips.txt does not list",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--strict-skips"):
        config.pluginmanager.register(StrictSkips(read_allowed()), "strict-skips")
