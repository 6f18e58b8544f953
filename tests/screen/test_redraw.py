"""Recording is refused while another test of the screens fails."""

import pytest
import redraw
from screen_cases import CASES

from appliance.screen.languages import LANGUAGES

GOOD = "def test_it_is_so():\n    assert True\n"
BAD = "def test_it_is_not_so():\n    assert False\n"
BROKEN = "import a_module_that_nobody_wrote\n"


def folder(path, **files):
    tests = path / "tests"
    tests.mkdir()
    for name, text in files.items():
        (tests / f"{name}.py").write_text(text, encoding="utf-8")
    return tests


def kept(path):
    goldens, docs = path / "goldens", path / "docs"
    docs.mkdir()
    return {"goldens": goldens, "docs": docs}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"test_one_of_many": BAD, "test_good": GOOD}, "test_it_is_not_so"),
        ({"test_unreadable": BROKEN, "test_good": GOOD}, "test_unreadable.py"),
        ({"test_goldens": GOOD}, "pytest ended with 5"),
    ],
    ids=["a failure", "an error", "no test at all"],
)
def test_nothing_is_recorded_while_another_test_fails(tmp_path, capsys, files, named):
    places = kept(tmp_path)
    assert redraw.main([], tests=folder(tmp_path, **files), **places) == 1
    said = capsys.readouterr().err
    assert "Not recorded" in said
    assert named in said
    assert not places["goldens"].exists()
    assert not list(places["docs"].iterdir())


def test_what_is_recorded_does_not_stand_in_its_own_way(tmp_path, capsys):
    """The comparison fails before each recording: it alone is not asked."""
    places = kept(tmp_path)
    tests = folder(tmp_path, test_goldens=BAD, test_good=GOOD)
    assert redraw.main(["start", "home"], tests=tests, **places) == 0
    assert {path.name for path in places["goldens"].iterdir()} == {
        f"{language}-{name}.png" for language in LANGUAGES for name in ("start", "home")
    }
    assert not list(places["docs"].iterdir())
    assert capsys.readouterr().err == ""


def test_the_real_comparison_is_the_one_left_out():
    assert (redraw.HERE / redraw.COMPARISON).exists()


def test_everything_is_recorded_and_what_has_no_case_goes(tmp_path, monkeypatch):
    few = {name: CASES[name] for name in ("start", "home")}
    monkeypatch.setattr(redraw, "CASES", few)
    monkeypatch.setattr(
        redraw, "SHEETS", {name: (list(few.items()), *how) for name, (_, *how) in redraw.SHEETS.items()}
    )
    places = kept(tmp_path)
    places["goldens"].mkdir()
    (places["goldens"] / "fr-of-yesterday.png").write_bytes(b"old")
    redraw.record([], **places)
    assert len(list(places["goldens"].iterdir())) == len(few) * len(LANGUAGES)
    assert not (places["goldens"] / "fr-of-yesterday.png").exists()
    assert {path.name for path in places["docs"].iterdir()} == set(redraw.SHEETS)


def test_a_name_without_a_case_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        redraw.main(["a-screen-of-tomorrow"])
    assert "a-screen-of-tomorrow" in capsys.readouterr().err
