"""The project's own promises: one hashed lock that names no place, and gates that can fail."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import coverage_floor
import pytest
from strict_skips import ALLOWED_SKIPS, StrictSkips, read_allowed

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def pinned() -> dict[str, str]:
    """Every distribution of the lock with its block of text."""
    blocks = re.split(r"(?m)^(?=[a-z])", LOCK)
    return {block.split("==")[0]: block for block in blocks if block.strip()}


def test_lock_pins_and_hashes_everything():
    assert len(pinned()) > 30
    for name, block in pinned().items():
        assert re.match(rf"{re.escape(name)}==[0-9][^ ]* ", block), name
        assert "--hash=sha256:" in block, name


def test_lock_names_no_registry_and_no_machine():
    for line in LOCK.splitlines():
        assert not re.search(r"https?:|file:|--(extra-)?index|--find-links|(^|[ '])/[a-z]", line), line


def test_lock_serves_every_machine():
    # a marker on Python's version or the processor would make it two locks in one
    for name, block in pinned().items():
        marker = block.splitlines()[0].partition(";")[2]
        assert "python_version" not in marker, name
        assert "machine" not in marker, name


def test_lock_holds_what_the_project_asks_for():
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["simulator"], *extras["dev"]]
    names = {re.split(r"[<>=]", want)[0].replace(".", "-") for want in wanted}
    assert names <= set(pinned())
    assert "lgpio" not in pinned()  # docs/decisions/0004-lock.md


def test_journeys_may_not_be_skipped_in_continuous_integration():
    assert "needs root" not in read_allowed(ALLOWED_SKIPS)


SKIPPING = """
import pytest

@pytest.mark.skip(reason="needs root")
def test_journey(): ...

@pytest.mark.skip(reason="needs the moon")
def test_listed(): ...

def test_expected():
    pytest.xfail("known")

def test_good(): ...
"""


def run_pytest(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    for name in ("conftest.py", "strict_skips.py"):
        (folder / name).write_text((ROOT / "tests" / name).read_text("utf-8"), "utf-8")
    (folder / "allowed_skips.txt").write_text("# reasons\nneeds the moon\n", "utf-8")
    (folder / "test_some.py").write_text(source, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", *options, folder]
    return subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=60, cwd=folder)


def test_skip_that_is_not_listed_fails_when_strict(tmp_path):
    assert run_pytest(tmp_path, SKIPPING).returncode == 0
    strict = run_pytest(tmp_path, SKIPPING, "--strict-skips")
    assert strict.returncode == pytest.ExitCode.TESTS_FAILED
    assert "test_some.py::test_journey: needs root" in strict.stdout
    assert "test_listed:" not in strict.stdout


def test_module_that_skips_itself_fails_when_strict(tmp_path):
    source = "import pytest\npytest.skip('needs root', allow_module_level=True)\n"
    (tmp_path / "test_other.py").write_text("def test_good(): ...\n", "utf-8")
    assert run_pytest(tmp_path, source).returncode == 0
    assert run_pytest(tmp_path, source, "--strict-skips").returncode == pytest.ExitCode.TESTS_FAILED


def test_listed_skips_pass_when_strict(tmp_path):
    source = SKIPPING.replace("needs root", "needs the moon")
    assert run_pytest(tmp_path, source, "--strict-skips").returncode == 0


def test_no_test_at_all_is_a_failure(tmp_path):
    assert run_pytest(tmp_path, "", "--strict-skips").returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_strict_skips_starts_empty():
    assert StrictSkips(frozenset()).refused == []


def report(tmp_path: Path, *, branches: int, branch: bool = True) -> Path:
    summary = {"num_statements": 100, "covered_lines": 100, "num_branches": 100, "covered_branches": branches}
    places = [place for room in coverage_floor.ROOMS.values() for place in room]
    names = [f"appliance/{place}" if place.endswith(".py") else f"appliance/{place}some.py" for place in places]
    data = {"meta": {"branch_coverage": branch}, "files": {name: {"summary": summary} for name in names}}
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_coverage_floor_holds(tmp_path, capsys):
    assert coverage_floor.main(report(tmp_path, branches=95)) == 0
    assert coverage_floor.main(report(tmp_path, branches=94)) == 1
    assert "<-- below" in capsys.readouterr().out
    assert coverage_floor.main(report(tmp_path, branches=100, branch=False)) == 1


def test_coverage_of_a_room_that_is_gone_fails(tmp_path):
    path = report(tmp_path, branches=100)
    data = json.loads(path.read_text("utf-8"))
    del data["files"]["appliance/secret.py"]
    path.write_text(json.dumps(data), "utf-8")
    assert coverage_floor.main(path) == 1


def test_nothing_at_the_top_level_but_the_house():
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True, timeout=60, cwd=ROOT)
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    files = {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "requirements.lock", ".gitignore"}
    assert top <= files | {".ci", "appliance", "systemd", "tests", "hardware", "docs"}
