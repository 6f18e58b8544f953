"""Values kept by name: in the transaction of their step, across restarts, and in a file from before they were."""

import pytest
from journal_kit import Box, event

from appliance.errors import JournalError
from appliance.vault.database import Database
from appliance.vault.journal import RequestState, Step


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "box.sqlite")


def test_what_is_kept_is_found_after_a_restart_and_the_last_word_holds(box):
    journal = box.open()
    assert journal.kept("language") is None
    journal.keep("language", "en")
    journal.keep("sound", "off")
    journal.keep("language", "fr")
    journal.close()
    journal = box.open()
    assert (journal.kept("language"), journal.kept("sound"), journal.kept("contrast")) == ("fr", "off", None)
    journal.close()


def test_it_is_kept_with_the_rest_of_its_step_or_not_at_all(box):
    journal = box.open()
    assert journal.commit([event()], keeping=[("case", "locked"), ("case", "open")]) == [1]
    assert journal.kept("case") == "open"
    with pytest.raises(JournalError):
        journal.commit([event()], [Step("nobody", "r1", RequestState.ACCEPTED)], keeping=[("case", "closed")])
    assert journal.kept("case") == "open"
    assert journal.last_seq == 1
    journal.close()


def test_a_file_from_before_gains_the_table_and_loses_nothing(box):
    journal = box.open()
    journal.commit([event()])
    known = journal.journal_id
    journal.close()
    database = Database.open(box.path)
    database.run("DROP TABLE kept")
    database.close()
    journal = box.open()
    assert (journal.journal_id, journal.last_seq, journal.boot_count) == (known, 1, 2)
    assert journal.kept("language") is None
    journal.keep("language", "en")
    assert journal.kept("language") == "en"
    journal.close()


def test_a_kept_value_that_is_not_text_is_a_damaged_file(box):
    journal = box.open()
    with pytest.raises(JournalError):
        journal.keep("language", b"\xff")  # STRICT: the column is text
    journal.close()
