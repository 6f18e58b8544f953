"""One machine for all tests of this folder: it boots in about a second, and its units stand two seconds later."""

import shutil
import tempfile
from pathlib import Path

import pytest
import sandbox_bench
import sandbox_machine


@pytest.fixture(scope="session")
def box():
    """A box whose shipped units run under a systemd of their own."""
    reason = sandbox_machine.missing()
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="cps-sandbox-"))  # short: a socket's path has 107 bytes
    try:
        with sandbox_bench.standing(folder) as box:
            yield box
    finally:
        shutil.rmtree(folder)
