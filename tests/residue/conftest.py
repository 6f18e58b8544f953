"""The benches of the residue tests, and the figures they end with."""

import os
from pathlib import Path

import pytest
import residue_bench
from residue_scan import Search

FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[FIGURES] = []


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter, config):
    figures = config.stash.get(FIGURES, [])
    if figures:
        terminalreporter.section("PIN residue")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def report(pytestconfig):
    """Takes a line for the summary."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


@pytest.fixture(scope="session", autouse=True)
def modules_of_this_folder():
    """The changed vaults are started as modules: their folder is on the children's path."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def search(report):
    search = Search()
    yield search
    tally = search.tally
    report(
        f"searched: {tally.searches} processes, folders and cores, {tally.bytes / 1e6:.0f} MB in {tally.seconds:.1f} s"
    )
    met, kinds = (
        {trace.what for trace in tally.met},
        sorted({(trace.form, trace.place, trace.digits) for trace in tally.met}),
    )
    report(f"false hits: {len(met)} of {tally.decoys} numbers never typed, in any scene of a box {kinds or ''}")
    report(f"numbers that looked like something before anything was typed, and are not used: {tally.before}")


def _standing(search, module):
    reason = residue_bench.missing()
    if reason:
        pytest.skip(reason)
    with residue_bench.standing(search, module) as bench:
        yield bench


@pytest.fixture(scope="module")
def shipped(search):
    """The box as it is."""
    yield from _standing(search, residue_bench.SHIPPED)


@pytest.fixture(scope="module")
def locked(search):
    """The box on a kernel without memfd_secret."""
    yield from _standing(search, "locked_vault")


@pytest.fixture(scope="module")
def unwiped(search):
    yield from _standing(search, "unwiped_vault")


@pytest.fixture(scope="module")
def queued(search):
    yield from _standing(search, "queued_vault")


@pytest.fixture(scope="module")
def kept_new(search):
    yield from _standing(search, "kept_new_vault")
