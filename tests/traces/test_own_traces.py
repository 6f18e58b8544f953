"""Our drivers say today what the files beside this one say they do; and nothing in those files is a secret."""

import re

import pytest
import record

FILES = sorted(record.FOLDER.glob("own-*.txt"))


@pytest.fixture(scope="module")
def now():
    return dict(record.dialogues())


def test_every_feature_of_every_family_is_recorded():
    wanted = {f"own-{family}-{feature.__name__}.txt" for family in record.FAMILIES for feature in record.FEATURES}
    assert {file.name for file in FILES} == wanted


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_driver_says_what_is_recorded(file, now):
    """After a change on purpose: ``python tests/traces/record.py``, and read the difference."""
    assert now[file.name].splitlines() == file.read_text("utf-8").splitlines()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_code_and_no_holder_stands_in_it(file):
    text = file.read_text("utf-8")
    data = "".join(re.findall(r"[0-9A-F]{2}", "".join(re.findall(r"^[<>] (.*)$", text, re.MULTILINE))))
    for code in (record.PIN, record.NEW_PIN, record.PUK, "99900063480", "DURAND", "SOPHIE"):
        assert code.encode().hex().upper() not in data
        assert code not in text
    for command in re.findall(r"^> (?:..) (?:20|24|2C) (?:..) (?:..) (.*)$", text, re.MULTILINE):
        assert re.fullmatch(r"00|[0-9A-F]{2}(?: \*\*)+|\*\* \*\*", command)


def test_a_recording_shows_what_was_asked():
    """What a reader of these files must find, so that an empty recorder cannot pass."""
    text = {file.stem: file.read_text("utf-8") for file in FILES}
    assert text["own-cps3-cold"].count("> ") <= 40
    assert text["own-cps3-known"].count("> ") <= 7
    assert text["own-cps4-cold"].count("> ") <= 40
    assert text["own-cps4-known"].count("> ") <= 6
    for family in record.FAMILIES:
        assert "< **x256 90 00" in text[f"own-{family}-sign"]
        assert "#   VERIFY, reference 02" in text[f"own-{family}-unblock"].replace("[channel 1] ", "")
        assert "D120" in text[f"own-{family}-practice"]
