"""The benches of the fault journeys: one stands for many tests, and a new one after a test that failed."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from fault_bench import missing, standing

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def folder():
    """A folder of this test, with a path short enough for sockets (108 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="cps-fault-"))
    yield path
    shutil.rmtree(path)


class Stands:
    """The bench that stands, if one does; its folder goes with it."""

    def __init__(self):
        self._stack = None
        self._options = None
        self._bench = None

    def bench(self, kind, **options):
        if self._stack is None or self._options != (kind, options):
            self.clear()
            self._stack = ExitStack()
            folder = Path(tempfile.mkdtemp(prefix="cps-fault-"))
            self._stack.callback(shutil.rmtree, folder)
            self._bench = self._stack.enter_context(standing(folder, kind, **options))
            self._options = (kind, options)
        return self._bench

    def clear(self):
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()


@pytest.fixture(scope="module")
def stands():
    stands = Stands()
    yield stands
    stands.clear()


@pytest.fixture
def stand(request, stands):
    """Gives a bench at rest, with a card in or not, and a past that is known to be good; holds ``check`` after it."""

    def of(kind="real", **options):
        reason = missing() if kind == "real" else None
        if reason:
            pytest.skip(reason)
        bench = stands.bench(kind, **options)
        bench.begin()
        used.append(bench)
        return bench

    used = []
    yield of
    if request.node.stash.get(FAILED, False):
        stands.clear()
    for bench in used[:1]:
        bench.check()
