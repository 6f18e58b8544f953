"""The benches of the journeys. Each test has its own: box, desk, reader and broker start in about a second."""

import shutil
import tempfile
from pathlib import Path

import pytest
from journey_kit import check_one_verify_per_hash, missing, standing_bench


@pytest.fixture
def folder():
    """A folder of this test, with a path short enough for sockets (108 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="cps-journey-"))
    yield path
    shutil.rmtree(path)


def _bench(folder, kind):
    reason = missing() if kind == "real" else None
    if reason:
        pytest.skip(reason)
    with standing_bench(folder, kind) as bench:
        yield bench
    check_one_verify_per_hash([bench.card], bench.person.hashes)  # the box is down: nothing is sent any more


@pytest.fixture
def bench(folder):
    """Over the real pcscd, vpcd and mosquitto."""
    yield from _bench(folder, "real")


@pytest.fixture(params=["real", "desk"])
def any_bench(request, folder):
    """The same, and over the desk's own reader and broker, which need no root."""
    yield from _bench(folder, request.param)
